import { objectField, stringsField } from '../../commands/go-fields.ts'
import type { DeviceStub } from '../../device/stub.ts'
import { projectDevices } from '../../directory/devices/project.ts'
import { listDevices } from '../../directory/devices/rows.ts'
import { contestedSerials, idsOfSerial } from '../../directory/devices/serials.ts'
import { listDepDevices, type ListedDepDevice } from '../../directory/dep/search.ts'
import { rfc3339 } from '../../events/event.ts'
import { newApp } from '../app-env.ts'
import { faultOfDeviceId } from '../../mdm/enrollment.ts'
import { RequestError } from '../request-error.ts'
import { NEVER } from './dep/shapes.ts'
import { goJson, readObject, type AdminContext } from './request.ts'

/** `/v1/devices` (docs/micromdm.md). */
export const v1Devices = newApp()

const LIST = 'getDevicesRequest'
const REMOVE = 'RemoveDevicesOptions'

v1Devices.post('/v1/devices', async (c) => {
  const body = await readObject(c)
  const serials = stringsField(body, 'filter_serial', LIST) ?? []
  const ids = stringsField(body, 'filter_udid', LIST) ?? []
  const listed = await listDevices(c.env.DB, { serials, ids })
  const asked = ids.length === 0 ? serials : listed.map(({ serialNumber }) => serialNumber)
  const inAbm = ids.length > 0 && asked.length === 0 ? [] : await listDepDevices(c.env.DB, asked)
  const statuses = new Map(inAbm.map((device) => [device.serial, device.profileStatus]))
  const devices = [
    ...listed.map((device) => ({
      serial_number: device.serialNumber,
      udid: device.id,
      enrollment_status: device.enrolled,
      last_seen: device.lastSeen === 0 ? NEVER : rfc3339(device.lastSeen),
      dep_profile_status: statuses.get(device.serialNumber) ?? '',
    })),
    ...(ids.length === 0 ? inAbm.filter(({ isUnenrolled }) => isUnenrolled) : []).map(notEnrolled),
  ]
  return goJson({ devices: devices.length === 0 ? null : devices })
})

/** A device that only Apple Business Manager knows. */
function notEnrolled({ serial, profileStatus }: ListedDepDevice) {
  return {
    serial_number: serial,
    udid: '',
    enrollment_status: false,
    last_seen: NEVER,
    dep_profile_status: profileStatus,
  }
}

/** Only the wrapped form counts: a flat body has no effect in MicroMDM, and must not delete here. */
v1Devices.delete('/v1/devices', async (c) => {
  const options = objectField(await readObject(c), 'opts', 'removeDevicesRequest') ?? {}
  for (const udid of stringsField(options, 'udids', REMOVE) ?? []) {
    await remove(c, [udid], udid)
  }
  for (const serial of stringsField(options, 'serials', REMOVE) ?? []) {
    const contested = (await contestedSerials(c.env.DB, [serial])).get(serial)
    if (contested !== undefined) {
      throw new RequestError(contested, 'enrollment_contested')
    }
    await remove(c, await idsOfSerial(c.env.DB, serial), serial)
  }
  return goJson({})
})

v1Devices.post('/v1/devices/:id/block', async (c) => {
  await deviceOf(c, c.req.param('id')).block()
  return goJson({})
})

v1Devices.post('/v1/devices/:id/unblock', async (c) => {
  const id = c.req.param('id')
  if (!(await deviceOf(c, id).unblock())) {
    throw new RequestError(`delete device with udid ${id}: not found: Device udid ${id}`)
  }
  return goJson({})
})

/** The object of a device: a user cannot be blocked. @throws RequestError for an id of no device */
function deviceOf(c: AdminContext, id: string): DeviceStub {
  const fault = faultOfDeviceId(id)
  if (fault !== undefined) {
    throw new RequestError(fault)
  }
  return c.env.DEVICE.getByName(id)
}

/** Hides devices from the list until their next Authenticate. All else of them stays, as in MicroMDM. */
async function remove(c: AdminContext, ids: readonly string[], named: string): Promise<void> {
  const hidden = await Promise.all(ids.map((id) => deviceOf(c, id).hide()))
  if (!hidden.includes(true)) {
    throw new RequestError(`not found: Device key ${named}`)
  }
  await projectDevices(c.env, ids)
}
