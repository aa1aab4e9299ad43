/** Reads all that MicroMDM 1.13.1 knows: its file micromdm.db, or what `GET /boltbackup` answered. */
import type { FlatBlueprint } from '../../blueprints/flat.ts'
import { readBolt, type BoltFile } from '../bolt/bolt.ts'
import { SHARED_IPAD_USER_ID } from '../../mdm/enrollment.ts'
import { FileFault } from '../fault.ts'
import type { MovedDevice } from '../moved.ts'
import type { MovedSetupUser } from '../records.ts'
import { readBindings } from './bindings.ts'
import { type MovedAuthority, readDepot } from './certificates.ts'
import { checkIndex, checkSerials, checkTopics } from './checks.ts'
import { type DepParts, readDepParts } from './dep.ts'
import { deviceOf } from './device.ts'
import { findDevices } from './ids.ts'
import { base64Of, type FleetNotes, keep, type KeptPart, type OddPart, remark } from './notes.ts'
import { type MovedProfile, type MovedPushCertificate, readServerParts } from './rest.ts'
import { type DeviceTables, readDeviceTables } from './tables.ts'
import { findUsers, setupUsersOf } from './users.ts'

/** What MicroMDM had. It is JSON: bytes are base64, unless a field says otherwise. */
export interface MicroMdmFleet extends DepParts {
  /** By id, in the order of its characters' codes. */
  readonly devices: readonly MovedDevice[]
  /** The CA of its devices. */
  readonly authority?: MovedAuthority
  /** DER of every certificate that the CA issued. */
  readonly certificates: readonly string[]
  /** PEM. */
  readonly pushCertificate?: MovedPushCertificate
  readonly profiles: readonly MovedProfile[]
  readonly challenges: readonly string[]
  readonly setupUsers: readonly MovedSetupUser[]
  readonly blueprints: readonly FlatBlueprint[]
  /** What has no place here, as it was stored. */
  readonly kept: readonly KeptPart[]
  /** What an admin should know before devices are moved. */
  readonly odd: readonly OddPart[]
  readonly counts: FleetCounts
}

export interface FleetCounts {
  /** Values in each bucket of the file. */
  readonly buckets: Readonly<Record<string, number>>
  readonly devices: number
  readonly userChannels: number
  readonly commands: number
  /** The history of commands, which is not moved. */
  readonly completed: number
  readonly failed: number
}

/**
 * Reads the whole file in memory, without writing to it. What looks wrong and is no damage is in `odd`; the
 * reader never guesses: values that it cannot attribute are in `kept`.
 *
 * @param options `now` is for certificates that have expired, in milliseconds since 1970
 * @throws FileFault when this is no file of MicroMDM, or it is damaged
 */
export function readFleet(bytes: Uint8Array, options: { readonly now: number }): MicroMdmFleet {
  const { now } = options
  const file = readBolt(bytes)
  const { root } = file
  if (!root.buckets.has('mdm.Devices')) {
    throw new FileFault(
      'not_micromdm',
      'This is a bolt database without MicroMDM’s bucket mdm.Devices: name MicroMDM’s micromdm.db',
    )
  }
  const notes: FleetNotes = { odd: [], kept: [] }
  remarkOnFile(file, notes)
  const tables = readDeviceTables(root, notes)
  const depot = readDepot(root, notes)
  const bindings = readBindings(root, depot, now, notes)
  const known = findDevices(tables, bindings, notes)
  const users = findUsers(tables, known, notes)
  const devices = [...known]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([id, device]) => deviceOf(id, device, users.get(id) ?? [], tables, notes))
  const { topic, pushCertificate, ...parts } = readServerParts(root, now, notes)
  const depParts = readDepParts(root, notes)
  const keys = [...known.keys(), ...[...users.values()].flat().map(({ userId }) => userId)]
  keepQueues(tables, new Set(keys), notes)
  checkIndex(tables, notes)
  checkSerials(devices, notes)
  checkTopics(devices, topic, notes)
  return {
    devices,
    ...(depot.authority && { authority: depot.authority }),
    certificates: [...depot.issued.values()].map(({ der }) => base64Of(der)),
    ...(pushCertificate && { pushCertificate }),
    ...parts,
    ...depParts,
    setupUsers: setupUsersOf(tables),
    kept: notes.kept,
    odd: notes.odd,
    counts: countsOf(file, tables, devices),
  }
}

function remarkOnFile({ isHeaderDamaged, lostPages }: BoltFile, notes: FleetNotes): void {
  if (isHeaderDamaged) {
    const text =
      'One of the two headers of the file is broken, so that the last change may be missing: ' +
      'fetch a fresh copy.'
    remark(notes, 'damaged_header', 'the file', text)
  }
  if (lostPages > 0) {
    const text =
      `Pages that are neither used nor free: ${lostPages}. If the file was copied while MicroMDM ran, ` +
      'values may be missing: fetch it by GET /boltbackup instead.'
    remark(notes, 'lost_pages', 'the file', text)
  }
}

/** Queues of keys that are neither a device nor a user: MicroMDM takes commands for any text. */
function keepQueues({ queues }: DeviceTables, known: ReadonlySet<string>, notes: FleetNotes): void {
  for (const { key, value, record } of queues?.values() ?? []) {
    const waiting = record.pending.length + record.notNow.length
    if (waiting > 0 && (!known.has(key) || key === SHARED_IPAD_USER_ID)) {
      const whose =
        key === SHARED_IPAD_USER_ID
          ? 'all Shared iPads, and the first one to connect would get them'
          : 'an id that is neither a device nor a user'
      remark(notes, 'queue_without_device', key, `Commands wait for ${whose}: ${waiting}.`)
      keep(notes, 'queue', key, value)
    }
  }
}

function countsOf(
  { root }: BoltFile,
  { queues }: DeviceTables,
  devices: readonly MovedDevice[],
): FleetCounts {
  const channels = devices.flatMap((device) => device.channels)
  const histories = [...(queues?.values() ?? [])].map(({ record }) => record)
  return {
    buckets: Object.fromEntries(
      [...root.buckets].map(([name, { entries }]) => [name, entries.length]),
    ),
    devices: devices.length,
    userChannels: channels.filter(({ user }) => user !== '').length,
    commands: sum(channels.map(({ commands = [] }) => commands.length)),
    completed: sum(histories.map(({ completed }) => completed)),
    failed: sum(histories.map(({ failed }) => failed)),
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
