import type { DeviceEvent, EventAbout } from '../events/event.ts'
import { isSecretTopic, type Topic } from '../events/topics.ts'
import { dropParts, loadBody, storeBody } from './bodies.ts'
import { wakeBy, type Context } from './context.ts'

/** The alarm announces again what a lost message would have told (design.md 4). */
export const ANNOUNCE_AFTER = 60_000
/** How long a reader that was told of events is trusted to come and ask. */
const ATTENTION = 30_000
/** As many events as may arrive twice when a subscriber dies before its cursor moved. */
const READ_EVENTS = 5
const READ_BYTES = 4_000_000
/** How long an event is tried at all. */
export const TRIED_FOR = 3 * 86_400_000
/** How many given-up events are kept per subscriber: the newest. */
const KEEP_GIVEN_UP = 100

export interface NewEvent {
  readonly id: string
  readonly topic: Topic
  readonly about: EventAbout
  readonly body: Uint8Array
}

/**
 * Writes an event in the commit of its cause, if anyone listens, or for the device's timeline; a new listener's cursor
 * starts here.
 */
export function recordEvent(context: Context, event: NewEvent, listeners: readonly string[]): void {
  const { db, state, now } = context
  if (listeners.length === 0 && !isKept(context, event)) {
    return
  }
  const seq = state.lastSeq + 1
  const secret = isSecretTopic(event.topic)
  db.run(
    'INSERT INTO events (seq, id, topic, at, about, secret, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
    seq,
    event.id,
    event.topic,
    now,
    JSON.stringify(event.about),
    Number(secret),
    storeBody(context, 'event', seq, event.body, secret),
  )
  for (const listener of listeners) {
    if (!state.cursors.has(listener)) {
      moveCursor(context, listener, state.lastSeq)
    }
  }
  stepOver(context, listeners)
  state.lastSeq = seq
  if (listeners.length > 0) {
    announce(context, listeners)
  } else {
    prune(context)
  }
}

/**
 * A reader that had everything and does not want this event has everything still. Only memory needs to know: once it
 * is lost, the reader is told of an event that it finds it does not want.
 */
function stepOver({ state }: Context, listeners: readonly string[]): void {
  for (const [reader, seq] of state.cursors) {
    if (seq === state.lastSeq && !listeners.includes(reader)) {
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
      context.effects.news.events = true
    }
  }
  wakeBy(context, context.now + ANNOUNCE_AFTER)
}

export interface Aside {
  readonly seq: number
  readonly tries: number
  /** Milliseconds of the next try; `null` when it was given up and only counts. */
  readonly nextAt: number | null
}

/** What a subscriber reports of the events it read, and asks for next. */
export interface Pull {
  readonly subscriber: string
  readonly topics: readonly Topic[]
  /** Every event up to this one was delivered, set aside or not wanted. */
  readonly passed?: number
  /** Events that the receiver refused: they leave the line. */
  readonly aside?: readonly Aside[]
  /** Set-aside events that were delivered after all. */
  readonly settled?: readonly number[]
  /** Whether to read on; otherwise only report. */
  readonly read: boolean
}

export interface Pulled {
  readonly events: readonly DeviceEvent[]
  readonly asides: readonly { readonly event: DeviceEvent; readonly tries: number }[]
  /** Everything up to here was looked at, wanted or not. */
  readonly upTo: number
  readonly more: boolean
}

/** One exchange with a subscriber: takes its report, prunes what every cursor has passed, reads on. */
export function pull(context: Context, request: Pull): Pulled {
  const { state, now } = context
  const { subscriber } = request
  settle(context, request)
  if (request.passed !== undefined && request.passed > cursorOf(context, subscriber)) {
    moveCursor(context, subscriber, request.passed)
  }
  if (request.passed !== undefined || request.settled) {
    prune(context)
  }
  const from = cursorOf(context, subscriber)
  if (!request.read) {
    state.attention.delete(subscriber)
    if (from < state.lastSeq) {
      wakeBy(context, now + ANNOUNCE_AFTER)
    }
    return { events: [], asides: [], upTo: from, more: from < state.lastSeq }
  }
  const asides = dueAsides(context, request)
  const read = readEvents(context, from, request.topics)
  if (read.upTo >= state.lastSeq && read.events.length === 0 && asides.length === 0) {
    if (read.upTo > from) {
      moveCursor(context, subscriber, read.upTo)
      prune(context)
    }
    state.attention.delete(subscriber)
    return { events: [], asides, upTo: read.upTo, more: false }
  }
  state.attention.set(subscriber, now + ATTENTION)
  return { ...read, asides, more: read.upTo < state.lastSeq }
}

/** The oldest moment from which an event still waits for some subscriber; `undefined` when none does. */
export function waitingSince(context: Context): number | undefined {
  const behind = Math.min(Infinity, ...context.state.cursors.values())
  if (behind >= context.state.lastSeq) {
    return undefined
  }
  const [oldest] = context.db.all<{ at: number }>(
    'SELECT at FROM events WHERE seq > ? ORDER BY seq LIMIT 1',
    behind,
  )
  return oldest?.at
}

/** When the next set-aside event may be tried again. */
export function nextAsideAt(context: Context): number | undefined {
  if (context.state.lastSeq === 0) {
    return undefined
  }
  const [row] = context.db.all<{ at: number | null }>(
    'SELECT min(next_at) AS at FROM aside WHERE next_at IS NOT NULL',
  )
  return row?.at ?? undefined
}

/**
 * Forgets a subscriber that is no longer configured, once the oldest event that it missed is as old as events are
 * tried at all: a deploy without its setting must not lose what it has not had.
 */
export function dropStaleCursors(context: Context): void {
  const { db, state, settings, now } = context
  for (const [subscriber, seq] of state.cursors) {
    if (settings.subscribers.includes(subscriber)) {
      continue
    }
    const [missed] = db.all<{ at: number | null }>(
      `SELECT min(at) AS at FROM events WHERE seq > ?
        OR seq IN (SELECT seq FROM aside WHERE subscriber = ? AND next_at IS NOT NULL)`,
      seq,
      subscriber,
    )
    if (now - (missed?.at ?? now) > TRIED_FOR) {
      state.cursors.delete(subscriber)
      db.run('DELETE FROM cursors WHERE subscriber = ?', subscriber)
      db.run('DELETE FROM aside WHERE subscriber = ?', subscriber)
      prune(context)
      context.effects.notes.push({ event: 'webhook:forgotten', device: context.name, subscriber })
    }
  }
}

function settle(context: Context, request: Pull): void {
  for (const seq of request.settled ?? []) {
    context.db.run('DELETE FROM aside WHERE subscriber = ? AND seq = ?', request.subscriber, seq)
  }
  for (const aside of request.aside ?? []) {
    context.db.run(
      'INSERT OR REPLACE INTO aside (subscriber, seq, tries, next_at) VALUES (?, ?, ?, ?)',
      request.subscriber,
      aside.seq,
      aside.tries,
      aside.nextAt,
    )
    if (aside.nextAt === null) {
      boundGivenUp(context, request.subscriber)
    } else {
      wakeBy(context, aside.nextAt)
    }
  }
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
    context.effects.notes.push({ event: 'webhook:given-up-deleted', device: context.name, seq })
  }
}

/** A subscriber that was never here has missed nothing: it starts at now. */
function cursorOf(context: Context, subscriber: string): number {
  return context.state.cursors.get(subscriber) ?? context.state.lastSeq
}

function moveCursor(context: Context, subscriber: string, seq: number): void {
  context.state.cursors.set(subscriber, seq)
  context.db.run('INSERT OR REPLACE INTO cursors (subscriber, seq) VALUES (?, ?)', subscriber, seq)
}

/**
 * Deletes what every subscriber has passed, nobody set aside and the timeline keeps no longer; the newest row stays,
 * for its number.
 */
function prune(context: Context): void {
  const { db, state, now } = context
  const { count, ms } = context.settings.keepEvents
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
}

interface StoredEvent {
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
  topics: readonly Topic[],
): { events: DeviceEvent[]; upTo: number } {
  const events: DeviceEvent[] = []
  let upTo = from
  let bytes = 0
  while (events.length < READ_EVENTS && bytes < READ_BYTES) {
    const [row] = context.db.all<StoredEvent>(
      'SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT 1',
      upTo,
    )
    if (!row) {
      break
    }
    upTo = row.seq
    if (topics.includes(row.topic)) {
      const event = asEvent(context, row)
      bytes += event.body.length
      events.push(event)
    }
  }
  return { events, upTo }
}

function dueAsides(context: Context, request: Pull): Pulled['asides'] {
  return context.db
    .all<StoredEvent & { tries: number }>(
      `SELECT events.*, aside.tries FROM aside JOIN events USING (seq)
        WHERE aside.subscriber = ? AND aside.next_at <= ? ORDER BY seq LIMIT 4`,
      request.subscriber,
      context.now,
    )
    .map((row) => ({ event: asEvent(context, row), tries: row.tries }))
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
