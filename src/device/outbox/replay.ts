import { wants, type Filter } from '../../events/webhook.ts'
import type { Context } from '../store/context.ts'
import { eventsBetween } from '../store/events.ts'
import { cursorOf } from './cursors.ts'
import { pull } from './read.ts'
import { findRetry, requestRetry, retriedBy, takeRetries } from './retries.ts'

/** Which kept events a subscriber gets again. */
export interface Replay {
  readonly subscriber: string
  /** Event ids; `null` for all events that `filter` lets through. */
  readonly events: readonly string[] | null
  readonly filter: Filter
  /** Milliseconds, both included. */
  readonly from: number
  readonly to: number
  /** Only counts the events. */
  readonly dryRun: boolean
}

/**
 * Makes retries of events that a subscriber has passed: they are posted again in their order, marked as a
 * replay. Events that still wait, are retried or are dead letters stay as they are.
 */
export function replay(context: Context, user: string, order: Replay) {
  const { subscriber, events, filter, from, to } = order
  const retried = retriedBy(context.db, subscriber)
  const meant = eventsBetween(context.db, cursorOf(context, subscriber), from, to).filter(
    ({ seq, id, topic, about }) =>
      !retried.has(seq) &&
      (user === '' || about.enrollment.user === user) &&
      (events?.includes(id) ?? wants(filter, topic, about.status)),
  )
  if (!order.dryRun && meant.length > 0) {
    const aside = meant.map(({ seq }) => requestRetry(context, seq, true))
    takeRetries(context, { subscriber, aside })
    context.effects.toAnnounce.subscribers.push(subscriber)
  }
  return { kind: 'replayed', events: meant.length } as const
}

/** Retries a dead letter, marked as it was, or deletes it. @returns whether its event was kept */
export function settleDeadLetter(
  context: Context,
  subscriber: string,
  seq: number,
  retry: boolean,
): boolean {
  const found = findRetry(context.db, subscriber, seq)
  // A subscriber that dies before it deletes its own copy calls again: the event is retried already, and
  // stays as it is.
  if (found?.isDead) {
    const report = retry
      ? { aside: [requestRetry(context, seq, found.isReplay)] }
      : { settled: [seq] }
    pull(context, { subscriber, topics: [], ...report, read: false })
  }
  return found !== undefined
}
