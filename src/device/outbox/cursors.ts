/** How far each subscriber is through the events (docs/architecture.md §4). */
import type { Limit } from '../../config/settings.ts'
import type { Context } from '../store/context.ts'
import { saveDevice } from '../store/rows/save.ts'
import { deleteEvents, lastBefore, passableUntil, timeOfNext } from '../store/events.ts'
import {
  deleteOldRetries,
  dueSubscribers,
  forgetRetries,
  hasRetries,
  RETRIED_NUMBERS,
  retrySubscribers,
} from './retries.ts'

/** How long an event is tried. */
export const TRIED_FOR = 3 * 86_400_000

/** Stands for all subscribers while they are unknown. */
export const UNKNOWN = ''

/**
 * The last event that each subscriber has passed. Memory may be ahead of the row: a cursor is not written
 * for events that its subscriber does not want.
 */
export function cursorsOf({ db, state }: Context): Map<string, number> {
  state.cursors ??= new Map(
    [...state.storedCursors].map(([subscriber, seq]) => [
      subscriber,
      passableUntil(db, subscriber, seq) ?? state.lastSeq,
    ]),
  )
  return state.cursors
}

/**
 * A new subscriber starts at the newest event, or at the first event that was recorded while the subscribers
 * were unknown.
 */
export function cursorOf(context: Context, subscriber: string): number {
  const cursors = cursorsOf(context)
  return cursors.get(subscriber) ?? cursors.get(UNKNOWN) ?? context.state.lastSeq
}

export function moveCursor(context: Context, subscriber: string, seq: number): void {
  cursorsOf(context).set(subscriber, seq)
  context.state.storedCursors.set(subscriber, seq)
  saveDevice(context)
}

/** The time of the oldest event that a subscriber has not passed. */
export function waitingSince(context: Context): number | undefined {
  return isSubscriberBehind(context) ? timeOfNext(context.db, passedByAll(context)) : undefined
}

export function isSubscriberBehind(context: Context): boolean {
  return passedByAll(context) < context.state.lastSeq
}

function passedByAll(context: Context): number {
  return Math.min(Infinity, ...cursorsOf(context).values())
}

/** Subscribers that have events to read or retries that are due. */
export function subscribersBehind(context: Context): string[] {
  const { lastSeq } = context.state
  const behind = [...cursorsOf(context)]
    .filter(([, seq]) => seq < lastSeq)
    .map(([subscriber]) => subscriber)
  return [...new Set([...behind, ...dueSubscribers(context)])]
}

/**
 * Takes the list of all subscribers. They get the events that were recorded while the subscribers were
 * unknown. Events that a removed webhook has not received are kept as long as events are tried; then its
 * cursor is deleted. So a deploy that lacks the settings of a webhook for a short time loses nothing.
 * @returns whether the subscribers have such events to read
 */
export function settleSubscribers(context: Context, known: readonly string[]): boolean {
  const cursors = cursorsOf(context)
  const since = cursors.get(UNKNOWN)
  if (since !== undefined) {
    for (const subscriber of known) {
      if (!cursors.has(subscriber)) {
        moveCursor(context, subscriber, since)
      }
    }
    forget(context, UNKNOWN)
  }
  for (const subscriber of new Set([...cursors.keys(), ...retrySubscribers(context.db)])) {
    if (!known.includes(subscriber) && dropOld(context, subscriber)) {
      forget(context, subscriber)
      const detail = { device: context.name, webhook: subscriber }
      context.effects.notes.push({ event: 'webhook:forgotten', ...detail })
    }
  }
  return since !== undefined
}

/** Deletes the events that a removed webhook has not received in time. @returns whether they were its last */
function dropOld(context: Context, subscriber: string): boolean {
  const { db, state, now } = context
  const before = now - TRIED_FOR
  const old = lastBefore(db, cursorOf(context, subscriber), before)
  if (old !== undefined) {
    moveCursor(context, subscriber, old)
  }
  const hadRetries = deleteOldRetries(context, subscriber, before)
  if (old === undefined && !hadRetries) {
    return false
  }
  pruneEvents(context)
  return !hasRetries(db, subscriber) && cursorOf(context, subscriber) >= state.lastSeq
}

function forget(context: Context, subscriber: string): void {
  cursorsOf(context).delete(subscriber)
  context.state.notifiedUntil.delete(subscriber)
  context.state.storedCursors.delete(subscriber)
  saveDevice(context)
  forgetRetries(context, subscriber)
  pruneEvents(context)
}

/**
 * Deletes events that every subscriber has passed, that are not retried or dead letters, and that the
 * timeline no longer keeps. The newest row stays, because it carries the number.
 * @returns how many rows it deleted, a hundred at most
 */
export function pruneEvents(
  context: Context,
  { count, ms }: Limit = context.settings.keepEvents,
): number {
  const { db, state, now } = context
  return deleteEvents(db, {
    upTo: Math.min(state.lastSeq - 1, ...cursorsOf(context).values()),
    tooMany: state.lastSeq - count,
    before: now - ms,
    except: RETRIED_NUMBERS,
  })
}
