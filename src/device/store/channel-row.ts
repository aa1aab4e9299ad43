import type { Verdict } from '../../push/verdict.ts'
import type { Db, SqlValue } from '../../storage/db.ts'

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
  /** When it was last used (milliseconds), to a day. */
  usedAt: number
  /** Set aside in its row alone, because too many other users have come since. */
  parked: boolean
  /** Identifiers in the last `declaration-items`. */
  declarations: string[]
}

/** An answer of APNs: its verdict, the push's id or the reason, and when. */
export interface PushNote {
  readonly at: number
  readonly outcome: Verdict['kind']
  readonly detail: string
}

export function readPushNote(stored: string): PushNote | undefined {
  return stored === '' ? undefined : JSON.parse(stored)
}

export function saveChannel(db: Db, channel: Channel): void {
  db.run(
    `INSERT OR REPLACE INTO channels (id, user, enabled, token, token_at, magic, topic, tally, awaiting_configuration,
      claim, flag, flag_epoch, pushed_at, push_after, push, declarations, used_at,
      parked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
    channel.usedAt,
    Number(channel.parked),
  )
}

/** The channels that meet a condition, in the order of their numbers. */
export function readChannels(db: Db, condition: string, ...values: SqlValue[]): Channel[] {
  type Stored = Omit<
    Channel,
    'token' | 'enabled' | 'awaitingConfiguration' | 'declarations' | 'push' | 'parked'
  > & {
    push: string
    token: ArrayBuffer | Uint8Array | null
    enabled: number
    awaitingConfiguration: number
    declarations: string
    parked: number
  }
  return db
    .all<Stored>(
      `SELECT id, user, enabled, token, token_at AS tokenAt, magic, topic, tally, awaiting_configuration AS awaitingConfiguration,
      claim, flag, flag_epoch AS flagEpoch, pushed_at AS pushedAt, push_after AS pushAfter, push, declarations,
      used_at AS usedAt, parked FROM channels WHERE ${condition} ORDER BY id`,
      ...values,
    )
    .map((row) => ({
      ...row,
      token: row.token === null ? null : new Uint8Array(row.token),
      enabled: row.enabled === 1,
      awaitingConfiguration: row.awaitingConfiguration === 1,
      declarations: JSON.parse(row.declarations),
      push: readPushNote(row.push),
      parked: row.parked === 1,
    }))
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
    usedAt: 0,
    parked: false,
    declarations: [],
  }
}
