import { pruneEvery } from '../store/pace.ts'
import { ANNOUNCE_AFTER, tellWord, wakeBy, type Context } from '../store/context.ts'
import { insertEvent, type NewEvent, type Subscribers } from '../store/events.ts'
import { cursorsOf, moveCursor, pruneEvents, UNKNOWN } from './cursors.ts'

/** How long a notified subscriber may take to read before it is notified again. */
export const NOTIFIED_FOR = 30_000

/**
 * Writes an event in the commit of its cause, if a subscriber wants it or may want it, or for the device's
 * timeline. The cursor of a new subscriber starts here. The row lists the subscribers that want the event;
 * all others pass it without a write.
 */
export function recordEvent(context: Context, event: NewEvent, subscribers: Subscribers): void {
  const { state } = context
  tellWord(context, event.topic)
  if (subscribers?.length === 0 && !isKept(context, event)) {
    return
  }
  const before = state.lastSeq
  const seq = before + 1
  insertEvent(context, seq, event, subscribers)
  for (const subscriber of subscribers ?? [UNKNOWN]) {
    if (!cursorsOf(context).has(subscriber)) {
      moveCursor(context, subscriber, before)
    }
  }
  stepOver(context, subscribers)
  state.lastSeq = seq
  if (subscribers?.length === 0) {
    if (seq % pruneEvery(context.settings.keepEvents.count) === 0 || !state.pruned) {
      state.pruned = true
      pruneEvents(context)
    }
  } else {
    announce(context, subscribers ?? [...cursorsOf(context).keys()])
  }
}

/** Records an event that has no message. The object does not know which subscribers want it. */
export function recordOwnEvent(context: Context, event: Omit<NewEvent, 'body'>): void {
  recordEvent(context, { ...event, body: new Uint8Array() }, undefined)
}

/**
 * Moves subscribers past an event that they do not want, if they had passed all others. Only memory is
 * changed: without it, the list in the row shows the same.
 */
function stepOver(context: Context, subscribers: Subscribers): void {
  const cursors = cursorsOf(context)
  for (const [subscriber, seq] of cursors) {
    if (seq === context.state.lastSeq && subscribers && !subscribers.includes(subscriber)) {
      cursors.set(subscriber, seq + 1)
    }
  }
}

/** Whether the timeline keeps the event. An Idle that no subscriber wants is not worth a row. */
function isKept({ settings }: Context, { about }: NewEvent): boolean {
  return settings.keepEvents.count > 0 && about.status !== 'Idle'
}

/** Requests one queue message for a burst of events: a subscriber that was just notified needs no other. */
function announce(context: Context, subscribers: readonly string[]): void {
  const { notifiedUntil } = context.state
  for (const subscriber of subscribers) {
    if ((notifiedUntil.get(subscriber) ?? 0) <= context.now) {
      notifiedUntil.set(subscriber, context.now + NOTIFIED_FOR)
      context.effects.toAnnounce.subscribers.push(subscriber)
    }
  }
  wakeBy(context, context.now + ANNOUNCE_AFTER)
}
