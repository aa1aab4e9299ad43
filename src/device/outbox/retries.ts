/**
 * The only SQL on `aside`: events that were refused or are replayed, with their next try, and dead letters.
 */
import type { DeviceEvent } from '../../events/event.ts'
import { column, type Db } from '../../storage/db.ts'
import { ANNOUNCE_AFTER, wakeBy, type Context } from '../store/context.ts'
import { EVENT_NUMBERS, eventOf, timeOfEvent } from '../store/events.ts'

/** How many dead letters of a subscriber are kept: the newest. */
export const KEEP_DEAD_LETTERS = 100
const READ_RETRIES = 4

/** A retry, or a dead letter. */
export interface Retry {
  readonly seq: number
  readonly tries: number
  /** Milliseconds of the next try; `null` in a dead letter. */
  readonly nextAt: number | null
  /** The receiver's last answer. */
  readonly reason?: string
  /** The start of the time that an event is tried for, if it is not the event's own time (milliseconds). */
  readonly since?: number
  /** The subscriber has passed it before. */
  readonly replay?: boolean
}

/** An event that a subscriber reads for another try. */
export interface RetriedEvent {
  readonly event: DeviceEvent
  readonly tries: number
  readonly since: number
  readonly replay: boolean
}

/** A subscriber's report on its retries. */
export interface RetryReport {
  readonly subscriber: string
  /** Events that the receiver refused, or that are replayed. */
  readonly aside?: readonly Retry[] | undefined
  /** The receiver is down: no retry is due before this time. */
  readonly asidesFrom?: number | undefined
  /** Retries that were delivered, and dead letters that were deleted. */
  readonly settled?: readonly number[] | undefined
}

/** SQL: the numbers of all events that are retried or dead letters. */
export const RETRIED_NUMBERS = 'SELECT seq FROM aside'

export function takeRetries(
  context: Context,
  { subscriber, settled = [], aside = [], asidesFrom }: RetryReport,
): void {
  const { db, now, state } = context
  if (settled.length > 0 || aside.length > 0 || asidesFrom !== undefined) {
    state.retryAt = undefined
  }
  deleteRetries(db, subscriber, settled)
  for (const { seq, tries, nextAt, reason = '', since = 0, replay = false } of aside) {
    db.run(
      `INSERT OR REPLACE INTO aside (subscriber, seq, tries, next_at, reason, since, replay)
        VALUES (?, ?, ?, ?, ?, ?, ?)`,
      subscriber,
      seq,
      tries,
      nextAt,
      reason,
      since,
      Number(replay),
    )
    if (nextAt === null) {
      boundDeadLetters(context, subscriber)
    } else {
      wakeBy(context, Math.max(nextAt, now + ANNOUNCE_AFTER))
    }
  }
  if (asidesFrom !== undefined) {
    db.run(
      'UPDATE aside SET next_at = ? WHERE subscriber = ? AND next_at < ?',
      asidesFrom,
      subscriber,
      asidesFrom,
    )
    wakeBy(context, Math.max(asidesFrom, now + ANNOUNCE_AFTER))
  }
}

function deleteRetries(db: Db, subscriber: string, numbers: readonly number[]): void {
  for (const seq of numbers) {
    db.run('DELETE FROM aside WHERE subscriber = ? AND seq = ?', subscriber, seq)
  }
}

/** A receiver that refuses every event of a kind must not fill the object. */
function boundDeadLetters(context: Context, subscriber: string): void {
  const numbers = column<number>(
    context.db,
    `SELECT seq FROM aside WHERE subscriber = ? AND next_at IS NULL
      ORDER BY seq DESC LIMIT -1 OFFSET ${KEEP_DEAD_LETTERS}`,
    subscriber,
  )
  deleteRetries(context.db, subscriber, numbers)
  for (const sequence of numbers) {
    const detail = { webhook: subscriber, device: context.name, sequence }
    context.effects.notes.push({ event: 'webhook:given-up-deleted', ...detail })
  }
}

/** A retry that an admin or a replay requests: the event is tried for the whole time again, from now on. */
export function requestRetry({ now }: Context, seq: number, replay: boolean): Retry {
  return { seq, tries: 0, nextAt: now, since: now, replay }
}

/** When the next retry is due. */
export function nextRetryAt({ db, state }: Context): number | undefined {
  if (state.retryAt === undefined) {
    state.retryAt = column<number | null>(db, 'SELECT min(next_at) FROM aside')[0] ?? null
  }
  return state.retryAt ?? undefined
}

export function dueSubscribers({ db, now }: Context): string[] {
  return column(db, 'SELECT DISTINCT subscriber FROM aside WHERE next_at <= ?', now)
}

/** Subscribers with retries or dead letters. */
export function retrySubscribers(db: Db): string[] {
  return column(db, 'SELECT DISTINCT subscriber FROM aside')
}

/**
 * A subscriber's due retries, oldest first. Their number is limited, and once they have `bytes` no more are
 * read.
 */
export function dueRetries(context: Context, subscriber: string, bytes: number): RetriedEvent[] {
  if ((nextRetryAt(context) ?? Infinity) > context.now) {
    // Nearly always: a read need not search for retries.
    return []
  }
  const retries: RetriedEvent[] = []
  let left = bytes
  const rows = context.db.all<{ seq: number; tries: number; since: number; replay: number }>(
    `SELECT seq, tries, since, replay FROM aside
      WHERE subscriber = ? AND next_at <= ? AND seq IN (${EVENT_NUMBERS}) ORDER BY seq LIMIT ${READ_RETRIES}`,
    subscriber,
    context.now,
  )
  for (const { seq, tries, since, replay } of rows) {
    const event = left > 0 ? eventOf(context, seq) : undefined
    if (event) {
      left -= event.body.length
      retries.push({ event, tries, since, replay: replay === 1 })
    }
  }
  return retries
}

/** A subscriber's retry or dead letter of an event that is kept. */
export function findRetry(
  db: Db,
  subscriber: string,
  seq: number,
): { readonly isDead: boolean; readonly isReplay: boolean } | undefined {
  const [row] = db.all<{ dead: number; replay: number }>(
    `SELECT next_at IS NULL AS dead, replay FROM aside
      WHERE subscriber = ? AND seq = ? AND seq IN (${EVENT_NUMBERS})`,
    subscriber,
    seq,
  )
  return row && { isDead: row.dead === 1, isReplay: row.replay === 1 }
}

/** The events that a subscriber retries or has as dead letters. */
export function retriedBy(db: Db, subscriber: string): ReadonlySet<number> {
  return new Set(column<number>(db, 'SELECT seq FROM aside WHERE subscriber = ?', subscriber))
}

/** The retries and dead letters of some events. */
export function retriesBetween(
  db: Db,
  first: number,
  last: number,
): (Required<Omit<Retry, 'since'>> & { readonly subscriber: string })[] {
  return db
    .all<Required<Omit<Retry, 'since' | 'replay'>> & { subscriber: string; replay: number }>(
      `SELECT subscriber, seq, tries, next_at AS nextAt, reason, replay FROM aside
        WHERE seq BETWEEN ? AND ?`,
      first,
      last,
    )
    .map((row) => ({ ...row, replay: row.replay === 1 }))
}

/**
 * Deletes a subscriber's retries that have been tried since before a time. @returns whether there were any
 */
export function deleteOldRetries(
  { db, state }: Context,
  subscriber: string,
  before: number,
): boolean {
  const old = `FROM aside WHERE subscriber = ? AND next_at IS NOT NULL
    AND max(since, ${timeOfEvent('aside.seq')}) < ?`
  const [count] = column<number>(db, `SELECT count(*) ${old}`, subscriber, before)
  if (!count) {
    return false
  }
  db.run(`DELETE ${old}`, subscriber, before)
  state.retryAt = undefined
  return true
}

export function hasRetries(db: Db, subscriber: string): boolean {
  return (
    db.all('SELECT 1 FROM aside WHERE subscriber = ? AND next_at IS NOT NULL', subscriber).length >
    0
  )
}

export function forgetRetries({ db, state }: Context, subscriber: string): void {
  state.retryAt = undefined
  db.run('DELETE FROM aside WHERE subscriber = ?', subscriber)
}

export function deleteDeadLetters(db: Db): void {
  db.run('DELETE FROM aside WHERE next_at IS NULL')
}
