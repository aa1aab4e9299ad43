/** The statements on commands that the device still has to answer. */
import type { CommandState } from '../../../mdm/queue.ts'
import type { InlineBody } from '../../../storage/bodies.ts'
import { column, type Db } from '../../../storage/db.ts'
import type { Channel } from '../channel-row.ts'
import type { PendingCommand, Queue } from '../state.ts'
import { rangeOf } from './ids.ts'
import type { HeldFor } from './new-command.ts'
import { PENDING } from './states.ts'

const IN_RANGE = `id BETWEEN ? AND ? AND state IN ${PENDING}`

const [FIRST_OF_DEVICE, LAST_OF_DEVICE] = rangeOf({ id: 0 })

/** SQL: the newest row of the device channel; NULL without one. */
export const LAST_COMMAND = `(SELECT max(id) FROM commands
  WHERE id BETWEEN ${FIRST_OF_DEVICE} AND ${LAST_OF_DEVICE})`

/** SQL: whether a command is pending on the device channel behind the row that an expression names. */
export function hasPendingAfter(row: string): string {
  const behind = `id > ${row} AND id <= ${LAST_OF_DEVICE}`
  return `EXISTS (SELECT 1 FROM commands WHERE ${behind} AND state IN ${PENDING})`
}

/**
 * The head of a channel's queue: commands that the device was given, then those that wait, in their order.
 */
export function readHead(
  db: Db,
  channel: Channel,
  { now, limit }: { readonly now: number; readonly limit: number },
): PendingCommand[] {
  type Stored = Omit<PendingCommand, 'secret' | 'big' | 'released'> & {
    readonly secret: number
    readonly big: number
    readonly released: number
  }
  return db
    .all<Stored>(
      `SELECT id, uuid, request_type AS requestType, secret, state, rounds,
        max(queued_at, not_before) AS queuedAt, handed_out_at AS handedOutAt, not_now_at AS notNowAt,
        not_before > queued_at AS released, payload IS NULL AS big FROM commands
        WHERE ${IN_RANGE} AND state <> 'held' AND not_before <= ? ORDER BY handed_out_at = 0, id LIMIT ?`,
      ...rangeOf(channel),
      now,
      limit,
    )
    .map((row) => ({
      ...row,
      secret: row.secret === 1,
      big: row.big === 1,
      released: row.released === 1,
    }))
}

/**
 * The newest row of a channel, or the row before its first; how many commands are pending; when the next one
 * with a start time may go out, and when the next expires.
 */
export function measureQueue(
  db: Db,
  channel: Channel,
  now: number,
): Pick<Queue, 'depth' | 'heldUntil' | 'expiresAt'> & { readonly newest: number } {
  const [first, last] = rangeOf(channel)
  const [all] = db.all<{
    last: number | null
    depth: number
    held: number | null
    expires: number | null
  }>(
    `SELECT (SELECT max(id) FROM commands WHERE id BETWEEN ? AND ?) AS last, count(*) AS depth, 
      min(iif(not_before > ?, not_before, NULL)) AS held, min(nullif(expires_at, 0)) AS expires
      FROM commands WHERE ${IN_RANGE}`,
    first,
    last,
    now,
    first,
    last,
  )
  return {
    newest: all?.last ?? first,
    depth: all?.depth ?? 0,
    heldUntil: all?.held ?? Infinity,
    expiresAt: all?.expires ?? Infinity,
  }
}

/** The pending commands of a channel by their states; one that waits for its start time counts as held. */
export function countByState(
  db: Db,
  channel: Channel,
  now: number,
): { state: string; n: number; oldest: number; since: number | null }[] {
  return db.all(
    `SELECT iif(state = 'queued' AND not_before > ?, 'held', state) AS state, count(*) AS n,
      min(queued_at) AS oldest, min(nullif(not_now_since, 0)) AS since FROM commands
      WHERE ${IN_RANGE} GROUP BY 1`,
    now,
    ...rangeOf(channel),
  )
}

/** A pending command with all that queues it again in another object. */
export interface QueuedRow {
  readonly id: number
  readonly uuid: string
  readonly requestType: string
  readonly secret: number
  readonly source: string
  readonly notBefore: number
  readonly expiresAt: number
  readonly requestKey: string
  readonly requestHash: string
  readonly queuedBy: string
  readonly heldFor: HeldFor | ''
  readonly payload: InlineBody
}

/** The channel's first pending command behind a row. */
export function nextPending(db: Db, channel: Channel, after: number): QueuedRow | undefined {
  const [, last] = rangeOf(channel)
  return db.all<QueuedRow>(
    `SELECT id, uuid, request_type AS requestType, secret, source, not_before AS notBefore,
      expires_at AS expiresAt, request_key AS requestKey, request_hash AS requestHash,
      queued_by AS queuedBy, held_for AS heldFor, payload FROM commands
      WHERE id > ? AND id <= ? AND state IN ${PENDING} ORDER BY id LIMIT 1`,
    after,
    last,
  )[0]
}

/**
 * Marks a command as handed out. Its epoch is -1 after a second enrolment was given it. @returns its payload
 */
export function markHandedOut(
  db: Db,
  { id, state, rounds }: Pick<PendingCommand, 'id' | 'state' | 'rounds'>,
  { now, epoch, push }: { readonly now: number; readonly epoch: number; readonly push: string },
): InlineBody {
  const [row] = db.all<{ payload: InlineBody }>(
    `UPDATE commands SET state = ?, handed_out_at = ?, rounds = ?, hand_outs = hand_outs + 1,
      first_handed_out_at = iif(first_handed_out_at = 0, ?, first_handed_out_at),
      handed_epoch = iif(handed_epoch IN (0, ?), ?, -1), push = iif(? = '', push, ?) WHERE id = ?
      RETURNING payload`,
    state,
    now,
    rounds,
    now,
    epoch,
    epoch,
    push,
    push,
    id,
  )
  return row?.payload ?? null
}

/** How often the device answered NotNow, since when, and whether the event about it was written. */
export interface NotNows {
  readonly notNows: number
  readonly since: number
  readonly deferred: boolean
}

export function readNotNows(db: Db, id: number): NotNows {
  const [row] = db.all<{ notNows: number; since: number; deferred: number }>(
    'SELECT not_nows AS notNows, not_now_since AS since, deferred FROM commands WHERE id = ?',
    id,
  )
  return { notNows: row?.notNows ?? 0, since: row?.since ?? 0, deferred: row?.deferred !== 0 }
}

export function saveNotNow(
  db: Db,
  id: number,
  now: number,
  { notNows, since, deferred }: NotNows,
): void {
  db.run(
    `UPDATE commands SET state = 'not_now', not_now_at = ?, not_now_since = ?, not_nows = ?, deferred = ?,
      rounds = 0 WHERE id = ?`,
    now,
    since,
    notNows,
    Number(deferred),
    id,
  )
}

export function countHeld(db: Db): number {
  return column<number>(db, "SELECT count(*) FROM commands WHERE state = 'held'")[0] ?? 0
}

export interface HeldRow {
  readonly id: number
  readonly requestType: string
  readonly queuedAt: number
  readonly heldFor: HeldFor
}

/** The held commands of some rows. */
export function heldWithin(db: Db, range: readonly [first: number, last: number]): HeldRow[] {
  return db.all<HeldRow>(
    `SELECT id, request_type AS requestType, queued_at AS queuedAt, held_for AS heldFor FROM commands
      WHERE id BETWEEN ? AND ? AND state = 'held'`,
    ...range,
  )
}

/** Queues held commands. */
export function releaseRows(db: Db, ids: readonly number[]): void {
  db.run(
    `UPDATE commands SET state = 'queued', held_for = '', rounds = 0, handed_out_at = 0
      WHERE id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(ids),
  )
}

/** A row with a body; `big`: its body may lie in `parts`. */
export interface BodyRow {
  readonly id: number
  readonly big: number
}

/** The pending commands of a channel whose time is over. */
export function expiredRows(db: Db, channel: Channel, now: number): BodyRow[] {
  return db.all(
    `SELECT id, payload IS NULL AS big FROM commands WHERE ${IN_RANGE} AND expires_at BETWEEN 1 AND ?`,
    ...rangeOf(channel),
    now,
  )
}

/**
 * How far a command is, and when the device was given it first (milliseconds; 0 for never); undefined when no
 * row has it.
 */
export function progressOfRow(
  db: Db,
  id: number,
): { readonly state: CommandState; readonly givenAt: number } | undefined {
  return db.all<{ state: CommandState; givenAt: number }>(
    'SELECT state, first_handed_out_at AS givenAt FROM commands WHERE id = ?',
    id,
  )[0]
}
