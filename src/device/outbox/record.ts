import type { DeviceEvent, EventAbout } from '../../events/event.ts'
import { isSecretTopic, type Topic } from '../../events/topics.ts'
import { wants, type Filter } from '../../events/webhook.ts'
import { requestId } from '../../request-id.ts'
import { ANNOUNCE_AFTER, dueAsides, takeAsides, type Aside, type AsideEvent } from './retries.ts'
import { dropParts, loadBody, storeBody } from '../../storage/bodies.ts'
import { wakeBy, type Context } from '../store/context.ts'
import { type Limit } from '../../config/settings.ts'
import { forReader } from '../store/events.ts'
import { pace } from '../queue/history.ts'

/** How long a reader that was told of events is trusted to come and ask. */
const ATTENTION = 30_000
/** As many events as may arrive twice when a subscriber dies before its cursor moved. One more than these bytes still fits into an RPC. */
const READ_EVENTS = 5
const READ_BYTES = 4_000_000
/** Stands for the subscribers that were unknown when an event was written, until somebody says who they are. */
export const UNKNOWN = ''

/** Subscribers that want an event; `undefined` when nobody knows who there is. */
export type Listeners = readonly string[] | undefined

export interface NewEvent {
  readonly id: string
  readonly topic: Topic
  readonly about: EventAbout
  readonly body: Uint8Array
}

/**
 * Writes an event in the commit of its cause, if anyone listens or may listen, or for the device's timeline; a new listener's
 * cursor starts here. Whoever does not want it passes it at once, at no cost.
 */
export function recordEvent(context: Context, event: NewEvent, listeners: Listeners): void {
  const { db, state, now } = context
  if (listeners?.length === 0 && !isKept(context, event)) {
    return
  }
  const before = state.lastSeq
  const seq = before + 1
  const secret = isSecretTopic(event.topic)
  db.run(
    'INSERT INTO events (seq, id, topic, at, about, listeners, secret, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    seq,
    event.id,
    event.topic,
    now,
    JSON.stringify({ requestId: requestId(), ...event.about }),
    listeners ? listeners.map(forReader).join('') : null,
    Number(secret),
    storeBody(context, 'event', seq, event.body, secret),
  )
  for (const listener of listeners ?? [UNKNOWN]) {
    if (!state.cursors.has(listener)) {
      moveCursor(context, listener, before)
    }
  }
  stepOver(context, listeners)
  state.lastSeq = seq
  if (listeners?.length === 0) {
    if (seq % pace(context.settings.keepEvents.count) === 0 || !state.pruned) {
      state.pruned = true
      prune(context)
    }
  } else {
    announce(context, listeners ?? [...state.cursors.keys()])
  }
}

/**
 * A reader that had everything and does not want this event has everything still. Only memory needs to know: the row tells
 * who wants it, when memory is lost.
 */
function stepOver({ state }: Context, listeners: Listeners): void {
  for (const [reader, seq] of state.cursors) {
    if (seq === state.lastSeq && listeners && !listeners.includes(reader)) {
      state.cursors.set(reader, seq + 1)
    }
  }
}

/** That a device asked for work, with nobody listening, is worth no row. */
function isKept({ settings }: Context, { about }: NewEvent): boolean {
  return settings.keepEvents.count > 0 && about.status !== 'Idle'
}

/** Asks for one queue message per burst: readers who were told, and have not come yet, need no second one. */
export function announce(context: Context, readers: readonly string[]): void {
  const { attention } = context.state
  for (const reader of readers) {
    if ((attention.get(reader) ?? 0) <= context.now) {
      attention.set(reader, context.now + ATTENTION)
      context.effects.news.readers.push(reader)
    }
  }
  wakeBy(context, context.now + ANNOUNCE_AFTER)
}

/** What a subscriber reports of the events it read, and asks for next. */
export interface Pull extends Pick<Filter, 'topics'>, Partial<Pick<Filter, 'statuses'>> {
  readonly subscriber: string
  /** Every event up to this one was delivered, set aside or not wanted. */
  readonly passed?: number
  /** Events that the receiver refused: they leave the line. */
  readonly aside?: readonly Aside[]
  /** The receiver is down: whatever is beside the line waits until then at least, in its order. */
  readonly asidesFrom?: number
  /** Set-aside events that were delivered after all. */
  readonly settled?: readonly number[]
  /** Whether to read on; otherwise only report. */
  readonly read: boolean
}

export interface Pulled {
  readonly events: readonly DeviceEvent[]
  readonly asides: readonly AsideEvent[]
  /** Everything up to here was looked at, wanted or not. */
  readonly upTo: number
  readonly more: boolean
}

/** One exchange with a subscriber: takes its report, prunes what every cursor has passed, reads on. */
export function pull(context: Context, request: Pull): Pulled {
  const { lastSeq } = context.state
  if (lastSeq === 0) {
    // There may be no tables yet.
    return { events: [], asides: [], upTo: 0, more: false }
  }
  takeReport(context, request)
  if (request.read) {
    return readOn(context, request)
  }
  leave(context, request.subscriber)
  const upTo = cursorOf(context, request.subscriber)
  return { events: [], asides: [], upTo, more: upTo < lastSeq }
}

function takeReport(context: Context, request: Pull): void {
  const { subscriber, passed, settled } = request
  takeAsides(context, request)
  if (passed !== undefined && passed > cursorOf(context, subscriber)) {
    moveCursor(context, subscriber, passed)
  }
  if (passed !== undefined || settled) {
    prune(context)
  }
}

function readOn(context: Context, request: Pull): Pulled {
  const { state, now } = context
  const { subscriber } = request
  const from = cursorOf(context, subscriber)
  const asides = dueAsides(context, subscriber, READ_BYTES, (row) => asEvent(context, row))
  const room = asides.reduce((left, { event }) => left - event.body.length, READ_BYTES)
  const { events, upTo, skipped } = readEvents(context, from, room, request)
  const more = upTo < state.lastSeq
  if (more || events.length > 0 || asides.length > 0) {
    state.attention.set(subscriber, now + ATTENTION)
    return { events, asides, upTo, more }
  }
  if (skipped) {
    moveCursor(context, subscriber, upTo)
  } else if (state.cursors.has(subscriber)) {
    state.cursors.set(subscriber, upTo)
  }
  if (upTo > from) {
    prune(context)
  }
  leave(context, subscriber)
  return { events, asides, upTo, more }
}

/** The reader goes: it has to be told of what comes next, and again of what it leaves behind. */
function leave(context: Context, subscriber: string): void {
  context.state.attention.delete(subscriber)
  if (cursorOf(context, subscriber) < context.state.lastSeq) {
    wakeBy(context, context.now + ANNOUNCE_AFTER)
  }
}

/** A subscriber that was never here has missed nothing: it starts at now, or where nobody knew of it. */
export function cursorOf({ state }: Context, subscriber: string): number {
  return state.cursors.get(subscriber) ?? state.cursors.get(UNKNOWN) ?? state.lastSeq
}

export function moveCursor(context: Context, subscriber: string, seq: number): void {
  context.state.cursors.set(subscriber, seq)
  context.db.run('INSERT OR REPLACE INTO cursors (subscriber, seq) VALUES (?, ?)', subscriber, seq)
}

/**
 * Deletes what every subscriber has passed, nobody set aside and the timeline keeps no longer; the newest row stays,
 * for its number.
 * @returns how many rows it deleted, a hundred at most.
 */
export function prune(
  { db, state, now, settings }: Context,
  { count, ms }: Limit = settings.keepEvents,
): number {
  const passed = Math.min(Infinity, ...state.cursors.values())
  const rows = db.all<{ seq: number; big: number }>(
    `SELECT seq, body IS NULL AS big FROM events
      WHERE seq <= ? AND seq < ? AND (seq <= ? OR at < ?) AND seq NOT IN (SELECT seq FROM aside) ORDER BY seq LIMIT 100`,
    Math.min(passed, state.lastSeq),
    state.lastSeq,
    state.lastSeq - count,
    now - ms,
  )
  for (const { seq, big } of rows) {
    db.run('DELETE FROM events WHERE seq = ?', seq)
    if (big) {
      dropParts(db, 'event', seq)
    }
  }
  return rows.length
}

export interface StoredEvent {
  seq: number
  id: string
  topic: Topic
  at: number
  about: string
  secret: number
  body: ArrayBuffer | Uint8Array | null
}

function readEvents(
  context: Context,
  from: number,
  room: number,
  { subscriber, topics, statuses = null }: Pull,
): { events: DeviceEvent[]; upTo: number; skipped: boolean } {
  const events: DeviceEvent[] = []
  let upTo = from
  let bytes = 0
  let skipped = false
  while (events.length < READ_EVENTS && bytes < room) {
    const [row] = context.db.all<StoredEvent>(
      `SELECT * FROM events WHERE seq > ? AND (listeners IS NULL OR instr(listeners, ?) > 0)
        ORDER BY seq LIMIT 1`,
      upTo,
      forReader(subscriber),
    )
    if (!row) {
      upTo = Math.max(upTo, context.state.lastSeq)
      break
    }
    upTo = row.seq
    const about: EventAbout = JSON.parse(row.about)
    if (wants({ topics, statuses }, row.topic, about.status)) {
      const event = asEvent(context, row)
      bytes += event.body.length
      events.push(event)
    } else {
      skipped = true
    }
  }
  return { events, upTo, skipped }
}

function asEvent(context: Context, row: StoredEvent): DeviceEvent {
  return {
    sequence: row.seq,
    id: row.id,
    topic: row.topic,
    at: row.at,
    about: JSON.parse(row.about),
    body: loadBody(context, 'event', row.seq, row.body, row.secret === 1),
  }
}
