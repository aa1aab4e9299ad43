/** The only SQL on `events`: what happened to a device, for its subscribers and for its timeline. */
import type { DeviceEvent, EventAbout } from '../../events/event.ts'
import { isSecretTopic, type Topic } from '../../events/topics.ts'
import { requestId } from '../../request-id.ts'
import { dropParts, loadBody, storeBody, type Bodies } from '../../storage/bodies.ts'
import { column, type Db } from '../../storage/db.ts'
import type { Context } from './context.ts'

/** The subscribers that want an event; `undefined` while the subscribers are unknown. */
export type Subscribers = readonly string[] | undefined

export interface NewEvent {
  readonly id: string
  readonly topic: Topic
  readonly about: EventAbout
  readonly body: Uint8Array
}

/** An event as its row has it, without the body. */
export interface EventRow {
  readonly seq: number
  readonly id: string
  readonly topic: Topic
  readonly at: number
  readonly about: EventAbout
}

interface StoredEvent extends Omit<EventRow, 'about'> {
  readonly about: string
  readonly secret: number
  readonly body: ArrayBuffer | Uint8Array | null
}

/** A subscriber in the text of the column `listeners`. */
function asListener(subscriber: string): string {
  return ` ${subscriber} `
}

const MAY_WANT = '(listeners IS NULL OR instr(listeners, ?) > 0)'

/** SQL: the numbers of all events. */
export const EVENT_NUMBERS = 'SELECT seq FROM events'

/** SQL: the sealed bodies that are in their own rows. */
export const SEALED_EVENTS = 'SELECT body AS sealed FROM events WHERE secret AND body IS NOT NULL'

/** SQL: when the event of that number happened. */
export function timeOfEvent(seq: string): string {
  return `(SELECT at FROM events WHERE events.seq = ${seq})`
}

export function insertEvent(
  context: Context,
  seq: number,
  event: NewEvent,
  subscribers: Subscribers,
): void {
  const secret = isSecretTopic(event.topic)
  context.db.run(
    'INSERT INTO events (seq, id, topic, at, about, listeners, secret, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    seq,
    event.id,
    event.topic,
    context.now,
    JSON.stringify({ requestId: requestId(), ...event.about }),
    subscribers ? subscribers.map(asListener).join('') : null,
    Number(secret),
    storeBody(context, 'event', seq, event.body, secret),
  )
}

/** SQL: the number of the newest event; NULL before the first. */
export const LAST_EVENT = '(SELECT max(seq) FROM events)'

/** The number before the next event that a subscriber may want; `undefined` when there is none. */
export function passableUntil(db: Db, subscriber: string, after: number): number | undefined {
  const query = `SELECT min(seq) FROM events WHERE seq > ? AND ${MAY_WANT}`
  const [next] = column<number | null>(db, query, after, asListener(subscriber))
  return typeof next === 'number' ? next - 1 : undefined
}

/** The next event that a subscriber may want, and a function that reads its body. */
export function nextEvent(
  bodies: Bodies,
  subscriber: string,
  after: number,
): { row: EventRow; read: () => DeviceEvent } | undefined {
  const [stored] = bodies.db.all<StoredEvent>(
    `SELECT * FROM events WHERE seq > ? AND ${MAY_WANT} ORDER BY seq LIMIT 1`,
    after,
    asListener(subscriber),
  )
  if (!stored) {
    return undefined
  }
  const row = withAbout(stored)
  return { row, read: () => readEvent(bodies, stored, row) }
}

export function eventOf(bodies: Bodies, seq: number): DeviceEvent | undefined {
  const [row] = bodies.db.all<StoredEvent>('SELECT * FROM events WHERE seq = ?', seq)
  return row && readEvent(bodies, row)
}

function readEvent(bodies: Bodies, stored: StoredEvent, row = withAbout(stored)): DeviceEvent {
  const { seq: sequence, id, topic, at, about } = row
  const body = loadBody(bodies, 'event', sequence, stored.body, stored.secret === 1)
  return { sequence, id, topic, at, about, body }
}

/** When the first event after a number happened. */
export function timeOfNext(db: Db, after: number): number | undefined {
  return column<number>(db, 'SELECT at FROM events WHERE seq > ? ORDER BY seq LIMIT 1', after)[0]
}

/** The last event after a number that happened before that time. */
export function lastBefore(db: Db, after: number, time: number): number | undefined {
  const query = 'SELECT max(seq) FROM events WHERE seq > ? AND at < ?'
  return column<number | null>(db, query, after, time)[0] ?? undefined
}

/** Events up to a number of a span of time, both ends included, oldest first. */
export function eventsBetween(db: Db, upTo: number, from: number, to: number): EventRow[] {
  return db
    .all<StoredRow>(
      'SELECT seq, id, topic, at, about FROM events WHERE seq <= ? AND at BETWEEN ? AND ? ORDER BY seq',
      upTo,
      from,
      Math.min(to, Number.MAX_SAFE_INTEGER),
    )
    .map(withAbout)
}

/**
 * Events before a number, newest first, each with its subscribers. `user` keeps the events of one user, if it
 * is not empty; `subscriber` those that this one may want, and those of `also`, a list of numbers in SQL.
 */
export function eventsBefore(
  db: Db,
  before: number,
  limit: number,
  which: {
    readonly user: string
    readonly subscriber: string | undefined
    readonly also: string
  },
): (EventRow & { readonly subscribers: Subscribers })[] {
  const { user, subscriber } = which
  return db
    .all<StoredRow & { listeners: string | null }>(
      `SELECT seq, id, topic, at, about, listeners FROM events WHERE seq < ?
        AND (? = '' OR about ->> '$.enrollment.user' = ?)
        AND (? OR ${MAY_WANT} OR seq IN (${which.also})) ORDER BY seq DESC LIMIT ?`,
      before,
      user,
      user,
      Number(subscriber === undefined),
      asListener(subscriber ?? ''),
      limit,
    )
    .map(({ listeners, ...row }) => ({
      ...withAbout(row),
      subscribers: listeners?.split(' ').filter((name) => name !== ''),
    }))
}

export function eventsNumbered(db: Db, numbers: readonly number[]): EventRow[] {
  return db
    .all<StoredRow>(
      'SELECT seq, id, topic, at, about FROM events WHERE seq IN (SELECT value FROM json_each(?))',
      JSON.stringify(numbers),
    )
    .map(withAbout)
}

type StoredRow = Omit<EventRow, 'about'> & { readonly about: string }

function withAbout({ seq, id, topic, at, about }: StoredRow): EventRow {
  return { seq, id, topic, at, about: JSON.parse(about) }
}

/** SQL: the time and the number of each event with one of these topics, and its parameters. */
export function selectEvents(
  topics: readonly Topic[],
  statuses: readonly string[],
  user: string,
): { readonly select: string; readonly values: readonly string[] } {
  const status = JSON.stringify(statuses)
  return {
    select: `SELECT at, seq AS n FROM events
      WHERE topic IN (SELECT value FROM json_each(?))
      AND (? = '[]' OR about ->> 'status' IN (SELECT value FROM json_each(?)))
      AND (? = '' OR about ->> '$.enrollment.user' = ?)`,
    values: [JSON.stringify(topics), status, status, user, user],
  }
}

/**
 * Deletes at most a hundred events up to a number that are too many or too old; those of `except`, a list of
 * numbers in SQL, stay.
 * @returns how many it deleted
 */
export function deleteEvents(
  db: Db,
  which: {
    readonly upTo: number
    readonly tooMany: number
    readonly before: number
    readonly except: string
  },
): number {
  const rows = db.all<{ seq: number; big: number }>(
    `SELECT seq, body IS NULL AS big FROM events
      WHERE seq <= ? AND (seq <= ? OR at < ?) AND seq NOT IN (${which.except}) ORDER BY seq LIMIT 100`,
    which.upTo,
    which.tooMany,
    which.before,
  )
  for (const { seq, big } of rows) {
    db.run('DELETE FROM events WHERE seq = ?', seq)
    if (big) {
      dropParts(db, 'event', seq)
    }
  }
  return rows.length
}
