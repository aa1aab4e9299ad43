import type { EnrollmentType } from '../../mdm/enrollment.ts'
import type { DeviceFacts } from '../../mdm/message.ts'
import type { QueueEntry, CommandState } from '../../mdm/queue.ts'
import type { Channel } from './channel-row.ts'
import type { Contest } from '../standing/contest.ts'
import type { Context } from './context.ts'
import type { Db } from '../../storage/db.ts'
import type { Installed } from './installed.ts'
import type { Identity } from './identity-row.ts'
import { addChannel, recalledChannel } from './channels.ts'
import { createTables, SCHEMA } from './schema.ts'

export { readPushNote, saveChannel, type Channel, type PushNote } from './channel-row.ts'
export { knownChannel } from './channels.ts'

/**
 * `unknown`: nothing of it yet but what an admin queued. `authenticated`: between Authenticate and the first
 * TokenUpdate. Times are milliseconds; 0 stands for never.
 */
export interface DeviceRow {
  schema: number
  name: string
  type: EnrollmentType
  state: 'unknown' | 'authenticated' | 'enrolled' | 'checked_out'
  facts: DeviceFacts
  readonly installed: Installed
  /** Counts enrolments: an identity of an earlier epoch is not this enrolment's. */
  epoch: number
  blocked: boolean
  hidden: boolean
  /**
   * `called`: when it enrolled, a user channel of another device was called like that, and what is secret is held; `contested`: and
   * admins meant that user by it, so that the bare id is refused. An admin's release ends both.
   */
  namesake: '' | 'called' | 'contested'
  /** The present enrolment is not proven, and one from before may come back. */
  contest: Contest | undefined
  /** Since when it has told its serial number. */
  claimedAt: number
  /** When a renewal's Authenticate came, until its TokenUpdate has shown that it was one. */
  renewedAt: number
  lastSeen: number
  /** Counts changes that the directory has to hear of. */
  version: number
  projected: number
}

export interface PendingCommand extends QueueEntry {
  readonly requestType: string
  readonly secret: boolean
  /** Its payload rests in `parts`. */
  readonly big: boolean
  /** Since when the device could have fetched it. */
  readonly queuedAt: number
  /** It was held until then. */
  readonly released: boolean
  state: CommandState
  rounds: number
  handedOutAt: number
  notNowAt: number
}

/** What memory keeps of a channel's queue: its head, and enough to number new entries. */
export interface Queue {
  /** What the device has been given, then what waits, each in the order it was queued. */
  pending: PendingCommand[]
  /** Whether more pending entries rest in the table behind those in memory. */
  more: boolean
  lastId: number
  /** Pending entries in memory, in the table, and held for later. */
  depth: number
  /** Whether history was looked at since it was loaded. */
  pruned: boolean
  /** When the next held entry may go out, and when the next pending one expires; Infinity without one. */
  heldUntil: number
  expiresAt: number
  /** Milliseconds of the last Idle, while anyone remembers. */
  roundBegan: number | undefined
}

/** The object's memory of its own rows. It is the only writer, so it reads them once. */
export interface DeviceState {
  readonly device: DeviceRow
  /** The device channel, then its users' that are in use: a channel's place is not its number. */
  readonly channels: Channel[]
  readonly identities: Identity[]
  /** The last event that each subscriber has passed; `undefined` until it was read. */
  cursors: Map<string, number> | undefined
  readonly queues: Map<number, Queue>
  /** Until when each notified subscriber needs no second notification. */
  readonly notifiedUntil: Map<string, number>
  /** When channels were pushed that have not connected since; lost with the memory. */
  readonly unansweredPushes: Map<number, number>
  /** When channels connected last, as far as memory goes back. */
  readonly connectedAt: Map<number, number>
  /** When identities that are kept in a contest were pushed last, as far as memory goes back. */
  keptPushedAt: number
  /** When the device was last heard of, as far as memory goes back. */
  heardAt: number
  lastSeq: number
  /** Whether events were looked at for what is too much since they were loaded. */
  pruned: boolean
}

/** Writes the device's row; the first write of an object makes its tables, in the same commit. */
export function saveDevice(db: Db, device: DeviceRow): void {
  if (device.schema === 0) {
    createTables(db)
    device.schema = SCHEMA
  }
  db.run(
    `INSERT OR REPLACE INTO device (id, schema, name, type, state, facts, installed, epoch, blocked, hidden,
      namesake, contest, claimed_at, renewed_at, last_seen, version, projected) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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

/** The channel of a user part, which is new if it was not heard of. */
export function channelOf(context: Context, user: string): Channel {
  const known = recalledChannel(context, user)
  if (known) {
    return known
  }
  if (context.state.device.schema === 0) {
    saveDevice(context.db, context.state.device)
  }
  return addChannel(context, user)
}
