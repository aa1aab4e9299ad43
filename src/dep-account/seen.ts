import { isObject } from '../apple/declarations.ts'
import { shallowJson } from '../dep/bounds.ts'
import type { DepDevice } from '../dep/records.ts'
import type { SeenDevice } from '../directory/dep/devices.ts'

/** Keys that say something of the entry on a page, not of the device. */
const OF_ENTRY = new Set(['op_type', 'op_date', 'response_status'])
const TIMES = ['profile_assign_time', 'profile_push_time', 'device_assigned_date'] as const

/** The row for a record of Apple. */
export function seenDevice(device: DepDevice, wanted: string): SeenDevice {
  const { serial_number: serial, profile_uuid: uuid, profile_status: status } = device
  const live = device.op_type !== 'deleted'
  return {
    serial,
    live,
    profileUuid: live ? textOf(uuid) : '',
    profileStatus: live ? textOf(status) : '',
    record: recordOf(device),
    opDate: changeTime(device),
    wanted: live ? wanted : '',
  }
}

/** Apple's ids and words. */
const MAX_TEXT = 200

function textOf(value: unknown): string {
  return typeof value === 'string' && value.length <= MAX_TEXT ? value : ''
}

/**
 * Its keys are sorted, so that one state is always one text: Apple's calls may have another order. Of a
 * record that is too long only the serial number stays.
 */
function recordOf(device: DepDevice): string {
  const known = { serial_number: device.serial_number, ...shallowJson(device) }
  const entries = Object.entries(known).filter(([key]) => !OF_ENTRY.has(key))
  return JSON.stringify(
    Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1))),
  )
}

/**
 * When the device changed last, as far as Apple tells, in UTC. A record of now has no `op_date`: then an
 * entry from before its last assignment is older.
 */
function changeTime(device: DepDevice): string {
  const given = device.op_date === undefined ? TIMES.map((key) => device[key]) : [device.op_date]
  const times = given.map((time) => Date.parse(textOf(time))).filter((time) => !Number.isNaN(time))
  return times.length === 0 ? '' : new Date(Math.max(...times)).toISOString()
}

/** Those of the devices that Apple calls not accessible: they were released, or moved to another server. */
export function releasedIn(json: unknown, serials: readonly string[]): string[] {
  const said = isObject(json) && isObject(json['devices']) ? json['devices'] : {}
  return serials.filter((serial) => {
    const record = said[serial]
    return isObject(record) && record['response_status'] === 'NOT_ACCESSIBLE'
  })
}
