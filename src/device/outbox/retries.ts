import type { DeviceEvent } from '../../events/event.ts'
import { wakeBy, type Context } from '../store/context.ts'
import type { Pull, StoredEvent } from './record.ts'

/** The alarm announces again what a lost message would have told. */
export const ANNOUNCE_AFTER = 60_000
/** How many given-up events are kept per subscriber: the newest. */
export const KEEP_GIVEN_UP = 100
const READ_ASIDES = 4

/** An event beside a subscriber's line: refused before, or replayed. */
export interface Aside {
  readonly seq: number
  readonly tries: number
  /** Milliseconds of the next try; `null` when it was given up and only counts. */
  readonly nextAt: number | null
  /** What the receiver answered last. */
  readonly reason?: string
  /** From when on it is tried (milliseconds), where that is not when it happened: somebody asked for it again. */
  readonly since?: number
  /** The subscriber has passed it before. */
  readonly replay?: boolean
}

export interface AsideEvent {
  readonly event: DeviceEvent
  readonly tries: number
  readonly since: number
  readonly replay: boolean
}

/** Takes in what a subscriber reports of the events beside its line. */
export function takeAsides(
  context: Context,
  {
    subscriber,
    settled,
    aside,
    asidesFrom,
  }: Pick<Pull, 'subscriber' | 'settled' | 'aside' | 'asidesFrom'>,
): void {
  for (const seq of settled ?? []) {
    context.db.run('DELETE FROM aside WHERE subscriber = ? AND seq = ?', subscriber, seq)
  }
  for (const { seq, tries, nextAt, reason = '', since = 0, replay = false } of aside ?? []) {
    context.db.run(
      'INSERT OR REPLACE INTO aside (subscriber, seq, tries, next_at, reason, since, replay) VALUES (?, ?, ?, ?, ?, ?, ?)',
      subscriber,
      seq,
      tries,
      nextAt,
      reason,
      since,
      Number(replay),
    )
    if (nextAt === null) {
      boundGivenUp(context, subscriber)
    } else {
      wakeBy(context, Math.max(nextAt, context.now + ANNOUNCE_AFTER))
    }
  }
  if (asidesFrom !== undefined) {
    context.db.run(
      'UPDATE aside SET next_at = ? WHERE subscriber = ? AND next_at < ?',
      asidesFrom,
      subscriber,
      asidesFrom,
    )
    wakeBy(context, Math.max(asidesFrom, context.now + ANNOUNCE_AFTER))
  }
}

/** When the next set-aside event may be tried again. */
export function nextAsideAt(context: Context): number | undefined {
  const [row] = context.db.all<{ at: number | null }>(
    'SELECT min(next_at) AS at FROM aside WHERE next_at IS NOT NULL',
  )
  return row?.at ?? undefined
}

/** Subscribers with a set-aside event that is due. */
export function dueReaders({ db, now }: Context): string[] {
  return db
    .all<{ subscriber: string }>('SELECT DISTINCT subscriber FROM aside WHERE next_at <= ?', now)
    .map(({ subscriber }) => subscriber)
}

/** What is due beside a subscriber's line, oldest first: a few, and no further event behind `bytes` of them. */
export function dueAsides(
  context: Context,
  subscriber: string,
  bytes: number,
  read: (row: StoredEvent) => DeviceEvent,
): AsideEvent[] {
  const asides: AsideEvent[] = []
  let left = bytes
  const rows = context.db.all<StoredEvent & { tries: number; since: number; replay: number }>(
    `SELECT events.*, aside.tries, aside.since, aside.replay FROM aside JOIN events USING (seq)
      WHERE aside.subscriber = ? AND aside.next_at <= ? ORDER BY seq LIMIT ${READ_ASIDES}`,
    subscriber,
    context.now,
  )
  for (const { tries, since, replay, ...row } of rows) {
    if (left > 0) {
      const event = read(row)
      left -= event.body.length
      asides.push({ event, tries, since, replay: replay === 1 })
    }
  }
  return asides
}

/** A receiver that never takes a kind of event must not fill the object. */
function boundGivenUp(context: Context, subscriber: string): void {
  const surplus = context.db.all<{ seq: number }>(
    `SELECT seq FROM aside WHERE subscriber = ? AND next_at IS NULL
      ORDER BY seq DESC LIMIT -1 OFFSET ${KEEP_GIVEN_UP}`,
    subscriber,
  )
  for (const { seq } of surplus) {
    context.db.run('DELETE FROM aside WHERE subscriber = ? AND seq = ?', subscriber, seq)
    context.effects.notes.push({
      event: 'webhook:given-up-deleted',
      webhook: subscriber,
      device: context.name,
      sequence: seq,
    })
  }
}

/** An event that goes out beside the line because somebody asked for it; it gets all the time that events get, from now on. */
export function askedFor({ now }: Context, seq: number, isReplay: boolean): Aside {
  return { seq, tries: 0, nextAt: now, since: now, replay: isReplay }
}
