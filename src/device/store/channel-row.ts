import { Buffer } from 'node:buffer'
import type { Enrollment } from '../../mdm/enrollment.ts'
import type { Verdict } from '../../push/verdict.ts'
import { column, type Db, type SqlValue } from '../../storage/db.ts'
import { isNeededOn, isPendingOn } from './commands/states.ts'
import type { DeviceRow } from './rows/device.ts'

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
  /** Whether the bare UserID leads here: `wanted` until the directory has the claim. */
  claim: 'none' | 'wanted' | 'made'
  /** Why APNs does not accept its token; empty when no reason is known. */
  flag: string
  /** The epoch of the push circuit in which the flag was set: void in a later one. */
  flagEpoch: number
  /** When the alarm pushed it last. */
  pushedAt: number
  /** The last push failed, and the next may leave then. */
  pushAfter: number
  /** The last answer of APNs. It is written with the next write of the channel. */
  push: PushNote | undefined
  /** When it was last used (milliseconds), to a day. */
  usedAt: number
  /** It is not in memory, because too many other users have connected since. */
  parked: boolean
  /** The names of its user; absent on a device channel, and in rows of an earlier version. */
  shortName?: string
  longName?: string
  /** Identifiers in the last `declaration-items` of the server at `DM_URL`. */
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

export function writePushNote(note: PushNote | undefined): string {
  return note ? JSON.stringify(note) : ''
}

/** The enrolment of a channel, for events without a message. */
export function enrollmentOfChannel(
  { name, type }: DeviceRow,
  { user, claim }: Channel,
): Enrollment {
  if (user === '') {
    return { type, device: name, user }
  }
  // Only the users of a Shared iPad claim no bare UserID.
  const ofUser = claim === 'none' ? 'Shared iPad' : 'User'
  return {
    type: type === 'User Enrollment (Device)' ? 'User Enrollment' : ofUser,
    device: name,
    user,
  }
}

/** A channel as rows have it, in JSON. The token is base64; facts that are new are missing in older rows. */
export type StoredChannel = Pick<Channel, 'id' | 'user'> &
  Partial<Omit<Channel, 'token'>> & { readonly token?: string | null }

export function storedChannel(channel: Channel): StoredChannel {
  const { token } = channel
  return { ...channel, token: token && Buffer.from(token).toString('base64') }
}

export function channelFrom(stored: StoredChannel): Channel {
  const token = stored.token ? new Uint8Array(Buffer.from(stored.token, 'base64')) : null
  return { ...newChannel(stored.id, stored.user), ...stored, token }
}

/** Writes the row of a user channel. The device channel is part of the device's row. */
export function writeUserRow(db: Db, channel: Channel): void {
  db.run(
    'INSERT OR REPLACE INTO channels (id, user, parked, used_at, state) VALUES (?, ?, ?, ?, ?)',
    channel.id,
    channel.user,
    Number(channel.parked),
    channel.usedAt,
    JSON.stringify(storedChannel(channel)),
  )
}

/** SQL: whether user channels are in use. */
export const HAS_USERS = 'EXISTS (SELECT 1 FROM channels WHERE parked = 0)'

/** The user channels in use. Hundreds of them would be too long for one value of a query. */
export function readUsersInUse(db: Db): Channel[] {
  return readChannels(db, 'parked = 0')
}

export function readChannel(db: Db, id: number): Channel | undefined {
  return readChannels(db, 'id = ?', id)[0]
}

export function readParkedChannel(db: Db, user: string): Channel | undefined {
  return readChannels(db, 'parked = 1 AND user = ?', user)[0]
}

/** Parked channels that an end of the enrolment concerns: they have a token, or a command is pending. */
export function readParkedEnrolled(db: Db): Channel[] {
  const hasPending = isPendingOn('channels.id')
  return readChannels(
    db,
    `parked = 1 AND (state ->> 'enabled' OR state ->> 'token' IS NOT NULL OR ${hasPending})`,
  )
}

export function countParked(db: Db): number {
  return column<number>(db, 'SELECT count(*) FROM channels WHERE parked = 1')[0] ?? 0
}

/**
 * Parked channels beyond `most`, the longest unused ones. No command is pending on them, a job cannot look
 * for any of their commands, and their ids are not in `except`, a query.
 */
export function surplusParked(
  db: Db,
  {
    most,
    jobsFrom,
    except,
  }: { readonly most: number; readonly jobsFrom: number; readonly except: string },
): number[] {
  return column(
    db,
    `SELECT id FROM channels WHERE parked = 1 AND NOT ${isNeededOn('channels.id', '?')}
      AND id NOT IN (${except}) ORDER BY used_at DESC, id DESC LIMIT -1 OFFSET ${most}`,
    jobsFrom,
  )
}

export function deleteChannel(db: Db, id: number): void {
  db.run('DELETE FROM channels WHERE id = ?', id)
}

/**
 * The next channel number. After `last`, the lowest number that is free because its channel was deleted with
 * all rows. Undefined when all are in use.
 */
export function freeChannelId(db: Db, last: number): number | undefined {
  const [newest] = column<number | null>(db, 'SELECT max(id) FROM channels')
  const next = (newest ?? 0) + 1
  if (next <= last) {
    return next
  }
  const [free] = column<number>(
    db,
    `SELECT id + 1 FROM channels AS one WHERE id < ${last}
      AND NOT EXISTS (SELECT 1 FROM channels AS next WHERE next.id = one.id + 1) ORDER BY id LIMIT 1`,
  )
  return free
}

/** The channels that meet a condition, in the order of their numbers. */
function readChannels(db: Db, condition: string, ...values: SqlValue[]): Channel[] {
  return column<string>(
    db,
    `SELECT state FROM channels WHERE ${condition} ORDER BY id`,
    ...values,
  ).map((stored) => channelFrom(JSON.parse(stored)))
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
