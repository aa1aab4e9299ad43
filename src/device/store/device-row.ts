import type { EnrollmentType } from '../../mdm/enrollment.ts'
import { NO_FACTS, type DeviceFacts } from '../../mdm/message.ts'
import type { Db } from '../../storage/db.ts'
import { newInstallation, type Installation } from './installed.ts'
import { createTables, SCHEMA } from './schema.ts'

/**
 * `unknown`: the object has commands that an admin queued, or nothing. `authenticated`: between Authenticate
 * and the first TokenUpdate. Times are milliseconds; 0 means never.
 */
export interface DeviceRow {
  schema: number
  name: string
  type: EnrollmentType
  state: 'unknown' | 'authenticated' | 'enrolled' | 'checked_out'
  facts: DeviceFacts
  readonly installed: Installation
  /** The number of the enrolment: an identity of a lower epoch is not of this enrolment. */
  epoch: number
  blocked: boolean
  hidden: boolean
  /**
   * `called`: a user channel of another device had this id when the device enrolled, and secret commands are
   * held. `contested`: in addition, admins used the bare id for that user, so the id alone is refused. A
   * release by an admin ends both.
   */
  namesake: '' | 'called' | 'contested'
  /** The present enrolment is not proven, and an earlier one may come back. */
  contest: Contest | undefined
  /** Since when the device reports its serial number. */
  claimedAt: number
  /** When the Authenticate of a renewal arrived, until its TokenUpdate shows that it was one. */
  renewedAt: number
  lastSeen: number
  /** Counts the changes that the directory needs, and the last one that it has. */
  version: number
  projected: number
}

/** Times are milliseconds. */
export interface Contest {
  /** When the enrolment that is served began to be served, and when it counts as proven. */
  readonly since: number
  readonly until: number
  /** Epochs of the enrolments that are kept: the first one, then others without proof. */
  readonly earlier: readonly number[]
  /** CommandUUIDs of the profiles that may have renewed the identity; empty when it is no renewal. */
  readonly renewal: readonly string[]
  /** When the earlier identities were pushed last. */
  readonly pushedAt: number
}

export function newDevice(name: string): DeviceRow {
  return {
    schema: 0,
    name,
    type: 'Device',
    state: 'unknown',
    facts: NO_FACTS,
    installed: newInstallation(),
    epoch: 0,
    blocked: false,
    hidden: false,
    namesake: '',
    contest: undefined,
    claimedAt: 0,
    renewedAt: 0,
    lastSeen: 0,
    version: 0,
    projected: 0,
  }
}

interface StoredDevice extends Omit<
  DeviceRow,
  'facts' | 'installed' | 'contest' | 'blocked' | 'hidden'
> {
  readonly facts: string
  readonly installed: string
  readonly contest: string
  readonly blocked: number
  readonly hidden: number
}

/** Reads the device's row; a new one if the object has none. */
export function loadDevice(db: Db, name: string): DeviceRow {
  const [stored] = db.all<StoredDevice>(
    `SELECT schema, name, type, state, facts, installed, epoch, blocked, hidden, namesake, contest,
      claimed_at AS claimedAt, renewed_at AS renewedAt, last_seen AS lastSeen, version, projected
      FROM device`,
  )
  return stored
    ? {
        ...stored,
        facts: { ...NO_FACTS, ...JSON.parse(stored.facts) },
        installed: { ...newInstallation(), ...JSON.parse(stored.installed) },
        contest: stored.contest === '' ? undefined : JSON.parse(stored.contest),
        blocked: stored.blocked === 1,
        hidden: stored.hidden === 1,
      }
    : newDevice(name)
}

/** Writes the device's row. The first write of an object creates its tables, in the same commit. */
export function saveDevice(db: Db, device: DeviceRow): void {
  if (device.schema === 0) {
    createTables(db)
    device.schema = SCHEMA
  }
  db.run(
    `INSERT OR REPLACE INTO device (id, schema, name, type, state, facts, installed, epoch, blocked, hidden,
      namesake, contest, claimed_at, renewed_at, last_seen, version, projected)
      VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    device.schema,
    device.name,
    device.type,
    device.state,
    JSON.stringify(device.facts),
    JSON.stringify(device.installed),
    device.epoch,
    Number(device.blocked),
    Number(device.hidden),
    device.namesake,
    device.contest ? JSON.stringify(device.contest) : '',
    device.claimedAt,
    device.renewedAt,
    device.lastSeen,
    device.version,
    device.projected,
  )
}
