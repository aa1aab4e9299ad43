import { objectField, stringsField } from '../../commands/go-fields.ts'
import type { DeviceStub } from '../../device/stub.ts'
import { projectDevices } from '../../directory/devices/project.ts'
import { listDevices } from '../../directory/devices/rows.ts'
import { contestedSerials, idsOfSerial } from '../../directory/devices/serials.ts'
import { rfc3339 } from '../../events/event.ts'
import { newApp } from '../app-env.ts'
import { faultOfDeviceId } from '../../mdm/enrollment.ts'
import { RequestError } from '../request-error.ts'
import { goJson, readObject, type AdminContext } from './request.ts'

/** `/v1/devices` (docs/micromdm.md). */
export const v1Devices = newApp()

const LIST = 'getDevicesRequest'
const REMOVE = 'RemoveDevicesOptions'
/** Go's text for no time. */
const NEVER = '0001-01-01T00:00:00Z'

v1Devices.post('/v1/devices', async (c) => {
  const body = await readObject(c)
  const listed = await listDevices(c.env.DB, {
    serials: stringsField(body, 'filter_serial', LIST) ?? [],
    ids: stringsField(body, 'filter_udid', LIST) ?? [],
  })
  return goJson({
    devices:
      listed.length === 0
        ? null
        : listed.map((device) => ({
            serial_number: device.serialNumber,
            udid: device.id,
            enrollment_status: device.enrolled,
            last_seen: device.lastSeen === 0 ? NEVER : rfc3339(device.lastSeen),
            dep_profile_status: '',
          })),
  })
})

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
