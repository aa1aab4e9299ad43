import type { DeviceEvent } from '../../events/event.ts'
import { wants, type Filter } from '../../events/webhook.ts'
import { ANNOUNCE_AFTER, wakeBy, type Context } from '../store/context.ts'
import { nextEvent } from '../store/events.ts'
import { cursorOf, cursorsOf, moveCursor, pruneEvents } from './cursors.ts'
import { NOTIFIED_FOR } from './record.ts'
import { dueRetries, takeRetries, type RetriedEvent, type RetryReport } from './retries.ts'

/**
 * The limits of one read. If a subscriber dies before it moves its cursor, it gets these events twice. An
 * event is read whole, so a read may be longer by one event, and still fits into an RPC.
 */
const READ_EVENTS = 5
const READ_BYTES = 1_000_000

/** A subscriber's report on the events that it has read, and its request for the next ones. */
export interface Pull
  extends RetryReport, Pick<Filter, 'topics'>, Partial<Pick<Filter, 'statuses'>> {
  /** Every event up to this one was delivered, is retried or was not wanted. */
  readonly passed?: number
  /** Whether the subscriber reads on; otherwise it only reports. */
  readonly read: boolean
}

export interface Pulled {
  readonly events: readonly DeviceEvent[]
  /** Events whose retry is due. */
  readonly asides: readonly RetriedEvent[]
  /** The last event that was looked at, wanted or not. */
  readonly upTo: number
  readonly more: boolean
}

/**
 * One exchange with a subscriber: takes its report, deletes events that every subscriber has passed, and
 * reads on.
 */
export function pull(context: Context, request: Pull): Pulled {
  const { lastSeq } = context.state
  if (lastSeq === 0) {
    return { events: [], asides: [], upTo: 0, more: false }
  }
  takeReport(context, request)
  if (request.read) {
    return readOn(context, request)
  }
  stopReading(context, request.subscriber)
  const upTo = cursorOf(context, request.subscriber)
  return { events: [], asides: [], upTo, more: upTo < lastSeq }
}

/** Whether a request reports nothing: probably it writes nothing either. */
export function onlyReads({ read, passed, settled, aside, asidesFrom }: Pull): boolean {
  return read && [passed, settled, aside, asidesFrom].every((part) => part === undefined)
}

function takeReport(context: Context, request: Pull): void {
  const { subscriber, passed, settled } = request
  takeRetries(context, request)
  if (passed !== undefined && passed > cursorOf(context, subscriber)) {
    moveCursor(context, subscriber, passed)
  }
  if (passed !== undefined || settled) {
    context.effects.settled = true
    pruneEvents(context)
  }
}

function readOn(context: Context, request: Pull): Pulled {
  const { state, now } = context
  const { subscriber } = request
  const from = cursorOf(context, subscriber)
  const asides = dueRetries(context, subscriber, READ_BYTES)
  const room = asides.reduce((left, { event }) => left - event.body.length, READ_BYTES)
  const { events, upTo, skipped } = readEvents(context, from, room, request)
  const more = upTo < state.lastSeq
  if (more || events.length > 0 || asides.length > 0) {
    state.notifiedUntil.set(subscriber, now + NOTIFIED_FOR)
    return { events, asides, upTo, more }
  }
  if (skipped) {
    moveCursor(context, subscriber, upTo)
  } else if (cursorsOf(context).has(subscriber)) {
    cursorsOf(context).set(subscriber, upTo)
  }
  if (upTo > from) {
    pruneEvents(context)
  }
  stopReading(context, subscriber)
  return { events, asides, upTo, more }
}

/**
 * The subscriber stops reading: it has to be notified of later events. If it left some, the alarm notifies
 * it.
 */
function stopReading(context: Context, subscriber: string): void {
  context.state.notifiedUntil.delete(subscriber)
  if (cursorOf(context, subscriber) < context.state.lastSeq) {
    wakeBy(context, context.now + ANNOUNCE_AFTER)
  }
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
    const next = nextEvent(context, subscriber, upTo)
    if (!next) {
      upTo = Math.max(upTo, context.state.lastSeq)
      break
    }
    const { seq, topic, about } = next.row
    upTo = seq
    if (wants({ topics, statuses }, topic, about.status)) {
      const event = next.read()
      bytes += event.body.length
      events.push(event)
    } else {
      skipped = true
    }
  }
  return { events, upTo, skipped }
}
