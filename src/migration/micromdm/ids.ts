import { faultOfDeviceId, isUdidOfMobile, SHARED_IPAD_USER_ID } from '../../mdm/enrollment.ts'
import type { MovedBinding, MovedDevice } from '../moved.ts'
import { type FleetNotes, keep, type KeptKind, remark } from './notes.ts'
import type { DeviceRecord, PushRecord } from './records.ts'
import type { DeviceTables, Row } from './tables.ts'

/** What the file has on one device. */
export interface KnownDevice {
  readonly type: MovedDevice['type']
  readonly record?: DeviceRecord
  readonly bindings?: readonly MovedBinding[]
}

/**
 * All devices of the file by their id: those with a record, with a bound certificate, or with a push token
 * that is no user’s, and the blocked ones.
 */
export function findDevices(
  tables: DeviceTables,
  bindings: ReadonlyMap<string, readonly MovedBinding[]>,
  notes: FleetNotes,
): ReadonlyMap<string, KnownDevice> {
  const devices = new Map<string, KnownDevice>()
  for (const [udid, { record }] of recordsByUdid(tables, notes)) {
    devices.set(udid, { type: 'Device', record })
  }
  for (const [udid, bound] of bindings) {
    devices.set(udid, { type: 'Device', ...devices.get(udid), bindings: bound })
  }
  const users = new Set([SHARED_IPAD_USER_ID, ...tables.users.map(({ record }) => record.userId)])
  for (const row of tables.push.values()) {
    if (!devices.has(row.key) && !users.has(row.key)) {
      const type = typeByPush(tables, row, notes)
      if (type !== undefined) devices.set(row.key, { type })
    }
  }
  for (const row of tables.blocked.values()) {
    if (!devices.has(row.key) && isDeviceId(row, 'block', notes)) {
      devices.set(row.key, { type: 'Device' })
    }
  }
  return devices
}

/**
 * The type of a device that has a push token and neither record nor binding; `undefined` when it is none.
 *
 * MicroMDM has nothing else of an EnrollmentID. It deletes the users of a device when another one comes, but
 * neither their push tokens nor their index entries (github.com/micromdm/micromdm,
 * platform/user/builtin/db.go). The index has the UDIDs of users’ devices too.
 */
function typeByPush(
  { users, userIndex, deviceIndex }: DeviceTables,
  row: Row<PushRecord>,
  notes: FleetNotes,
): KnownDevice['type'] | undefined {
  const { key, value } = row
  const isUdid =
    isUdidOfMobile(key) ||
    deviceIndex.has(key) ||
    // The index spares a search through all users for each EnrollmentID.
    (userIndex.has(key) && users.some(({ record }) => record.udid === key))
  if (userIndex.has(key) && !isUdid) {
    const text = 'This UserID has a push token, but MicroMDM deleted its user record.'
    remark(notes, 'user_without_record', key, text)
    keep(notes, 'push_info', key, value)
    return undefined
  }
  if (!isDeviceId(row, 'push_info', notes)) {
    return undefined
  }
  return isUdid ? 'Device' : 'User Enrollment (Device)'
}

/** The record of each UDID. Records without a UDID are kept. */
function recordsByUdid(
  { devices, deviceIndex }: DeviceTables,
  notes: FleetNotes,
): Map<string, Row<DeviceRecord>> {
  const found = new Map<string, Row<DeviceRecord>>()
  for (const row of devices) {
    const { udid } = row.record
    if (udid === '') {
      keepWithoutUdid(row, notes)
      continue
    }
    if (!isDeviceId({ ...row, key: udid }, 'device', notes)) {
      continue
    }
    const other = found.get(udid)
    const isMoved = other === undefined || deviceIndex.get(udid) === row.key
    if (other !== undefined) {
      const text = 'It has two device records, and the one that MicroMDM looks up is moved.'
      remark(notes, 'udid_twice', udid, text)
      keep(notes, 'device', udid, (isMoved ? other : row).value)
    }
    if (isMoved) {
      found.set(udid, row)
    }
  }
  return found
}

/** A device that is known from Apple's device enrolment service alone has a serial number. */
function keepWithoutUdid({ key, value, record }: Row<DeviceRecord>, notes: FleetNotes): void {
  const { SerialNumber: serial } = record.facts
  if (serial === '') {
    remark(notes, 'empty_record', key, 'The device record has neither UDID nor serial number.')
  }
  keep(notes, serial === '' ? 'device' : 'dep_device', serial || key, value)
}

/** Whether a row's key can be a device's id here. If not, the row is kept. */
function isDeviceId(
  { key, value }: { readonly key: string; readonly value: Uint8Array },
  kind: KeptKind,
  notes: FleetNotes,
): boolean {
  const fault = faultOfDeviceId(key)
  if (fault !== undefined) {
    remark(notes, 'bad_id', key, `It is ${fault}.`)
    keep(notes, kind, key, value)
  }
  return fault === undefined
}
