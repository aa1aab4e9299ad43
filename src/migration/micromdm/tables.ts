/** The buckets of MicroMDM 1.13.1 as rows. */
import { Buffer, isUtf8 } from 'node:buffer'
import type { BoltBucket } from '../bolt/bolt.ts'
import { FETCH_A_COPY, FileFault } from '../fault.ts'
import { type FleetNotes, remark } from './notes.ts'
import { WireError } from './protobuf.ts'
import {
  type DeviceRecord,
  type PushRecord,
  type QueueRecord,
  readBlockRecord,
  readDeviceRecord,
  readPushRecord,
  readQueueRecord,
  readUserRecord,
  type UserRecord,
} from './records.ts'

/** Of a key in the text of a fault. */
const MAX_KEY = 100

export interface Row<R> {
  readonly key: string
  readonly value: Uint8Array
  readonly record: R
}

/** The buckets about devices. */
export interface DeviceTables {
  readonly devices: readonly Row<DeviceRecord>[]
  /** UDID or serial number → key in `devices`. */
  readonly deviceIndex: ReadonlyMap<string, string>
  /** UDID, UserID or EnrollmentID → its push token. */
  readonly push: ReadonlyMap<string, Row<PushRecord>>
  readonly users: readonly Row<UserRecord>[]
  /** UserID, or UDID of a user’s device → key in `users`, also of users that were deleted. */
  readonly userIndex: ReadonlyMap<string, string>
  /** UDID, UserID or EnrollmentID → its queue. Absent when MicroMDM had its queues in memory. */
  readonly queues: ReadonlyMap<string, Row<QueueRecord>> | undefined
  /** UDIDs. */
  readonly blocked: ReadonlyMap<string, Row<string>>
}

/** @throws FileFault `bad_record` */
export function readDeviceTables(root: BoltBucket, notes: FleetNotes): DeviceTables {
  const queues = rowsOf(root, 'mdm.DeviceCommands', readQueueRecord)
  const tables = {
    devices: rowsOf(root, 'mdm.Devices', readDeviceRecord),
    deviceIndex: indexOf(root, 'mdm.DeviceIdx'),
    push: byKey(rowsOf(root, 'mdm.PushInfo', readPushRecord)),
    users: rowsOf(root, 'mdm.Users', readUserRecord),
    userIndex: indexOf(root, 'mdm.UserIdx'),
    queues: root.buckets.has('mdm.DeviceCommands') ? byKey(queues) : undefined,
    blocked: byKey(rowsOf(root, 'mdm.RemoveDevice', readBlockRecord)),
  }
  checkKeys(notes, 'mdm.Devices', tables.devices, ({ uuid }) => uuid)
  checkKeys(notes, 'mdm.PushInfo', tables.push.values(), ({ key }) => key)
  checkKeys(notes, 'mdm.Users', tables.users, ({ uuid }) => uuid)
  checkKeys(notes, 'mdm.DeviceCommands', queues, ({ key }) => key)
  checkKeys(notes, 'mdm.RemoveDevice', tables.blocked.values(), (udid) => udid)
  return tables
}

/** The rows of a bucket by key; none where the file lacks it. @throws FileFault `bad_record` */
export function rowsOf<R>(
  root: BoltBucket,
  bucket: string,
  read: (value: Uint8Array) => R,
): Row<R>[] {
  return (root.buckets.get(bucket)?.entries ?? []).map(({ key: bytes, value }) => {
    const key = textOfBytes(bytes)
    try {
      return { key, value, record: read(value) }
    } catch (error) {
      if (error instanceof WireError) {
        throw new FileFault(
          'bad_record',
          `The record ${JSON.stringify(key.slice(0, MAX_KEY))} of bucket ${bucket} cannot be read ` +
            `(${error.message}): ${FETCH_A_COPY}`,
        )
      }
      throw error
    }
  })
}

/** A row whose value is not read. */
export function asItIs(value: Uint8Array): Uint8Array {
  return value
}

/**
 * A key or a value as text. Of bytes that are no text it is their hex behind U+FFFD, which is never an id,
 * and never the same for two of them.
 */
export function textOfBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(bytes) ? buffer.toString('utf8') : `\ufffd${buffer.toString('hex')}`
}

function indexOf(root: BoltBucket, bucket: string): Map<string, string> {
  return new Map(rowsOf(root, bucket, textOfBytes).map(({ key, record }) => [key, record]))
}

function byKey<R>(rows: readonly Row<R>[]): Map<string, Row<R>> {
  return new Map(rows.map((row) => [row.key, row]))
}

/** MicroMDM writes each record under the key that it has inside; the one in the bucket is looked up. */
export function checkKeys<R>(
  notes: FleetNotes,
  bucket: string,
  rows: Iterable<Row<R>>,
  inside: (record: R) => string,
): void {
  for (const { key, record } of rows) {
    if (inside(record) !== key) {
      remark(notes, 'key_differs', key, `Its record in ${bucket} has another key inside.`)
    }
  }
}
