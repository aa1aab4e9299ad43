import type { EnrollmentType } from '../mdm/enrollment.ts'
import type { DeviceFacts } from '../mdm/message.ts'
import type { QueueEntry, CommandState } from '../mdm/queue.ts'
import type { Verdict } from '../push/verdict.ts'
import type { Contest } from './contest.ts'
import type { Db } from './db.ts'
import type { Installed } from './installed.ts'
import type { Identity } from './identity-row.ts'
import { createTables, SCHEMA } from './schema.ts'

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

/** A device channel (`user` is empty, id 0) or a user channel. */
export interface Channel {
  readonly id: number
  readonly user: string
  enabled: boolean
  token: Uint8Array | null
  tokenAt: number
  magic: string
  topic: string
  tally: number
  awaitingConfiguration: boolean
  /** Whether the bare UserID leads here: `wanted` until the directory has it. */
  claim: 'none' | 'wanted' | 'made'
  /** Why APNs will not take its token; empty when nothing is known against it. */
  flag: string
  /** The push circuit's epoch in which the flag was raised: void in a later one. */
  flagEpoch: number
  /** When the alarm pushed it last. */
  pushedAt: number
  /** The last push failed, and the next may leave then. */
  pushAfter: number
  /** What APNs said last; it is stored by whatever stores the channel next. */
  push: PushNote | undefined
  /** Identifiers in the last `declaration-items`. */
  declarations: string[]
}

/** An answer of APNs: its verdict, the push's id or the reason, and when. */
export interface PushNote {
  readonly at: number
  readonly outcome: Verdict['kind']
  readonly detail: string
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
  readonly channels: Channel[]
  readonly identities: Identity[]
  /** The events that subscribers have passed: not always written, where nothing behind was for them. */
  readonly cursors: Map<string, number>
  readonly queues: Map<number, Queue>
  /** Readers that were told of news, and until when they are trusted to come for it. */
  readonly attention: Map<string, number>
  /** When channels were pushed that have not come since; forgotten with the memory. */
  readonly rung: Map<number, number>
  /** When channels reported last, as far as memory goes back. */
  readonly came: Map<number, number>
  /** When the device was last heard of, as far as memory goes back. */
  heardAt: number
  lastSeq: number
  /** Whether events were looked at for what is too much since they were loaded. */
  pruned: boolean
}

export function readPushNote(stored: string): PushNote | undefined {
  return stored === '' ? undefined : JSON.parse(stored)
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

export function saveChannel(db: Db, channel: Channel): void {
  db.run(
    `INSERT OR REPLACE INTO channels (id, user, enabled, token, token_at, magic, topic, tally, awaiting_configuration,
      claim, flag, flag_epoch, pushed_at, push_after, push, declarations)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    channel.id,
    channel.user,
    Number(channel.enabled),
    channel.token,
    channel.tokenAt,
    channel.magic,
    channel.topic,
    channel.tally,
    Number(channel.awaitingConfiguration),
    channel.claim,
    channel.flag,
    channel.flagEpoch,
    channel.pushedAt,
    channel.pushAfter,
    channel.push ? JSON.stringify(channel.push) : '',
    JSON.stringify(channel.declarations),
  )
}

/** The channel of a user part, if it was heard of. */
export function knownChannel(state: DeviceState, user: string): Channel | undefined {
  return state.channels.find((channel) => channel.user === user)
}

/**
 * The channel of a user part. A new one gets its row at once, because its number is its place in memory and
 * names its queue's rows: a number given twice would mix two users' commands.
 */
export function channelOf(
  { db, state }: { readonly db: Db; readonly state: DeviceState },
  user: string,
): Channel {
  const known = knownChannel(state, user)
  if (known) {
    return known
  }
  if (state.device.schema === 0) {
    saveDevice(db, state.device)
  }
  const channel = newChannel(state.channels.length, user)
  state.channels.push(channel)
  saveChannel(db, channel)
  return channel
}

export function newChannel(id: number, user: string): Channel {
  return {
    id,
    user,
    enabled: false,
    token: null,
    tokenAt: 0,
    magic: '',
    topic: '',
    tally: 0,
    awaitingConfiguration: false,
    claim: 'none',
    flag: '',
    flagEpoch: 0,
    pushedAt: 0,
    pushAfter: 0,
    push: undefined,
    declarations: [],
  }
}
