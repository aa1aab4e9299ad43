import type { EventAbout } from '../../events/event.ts'
import type { Topic } from '../../events/topics.ts'
import { wants, type Filter } from '../../events/webhook.ts'
import { askedFor, takeAsides } from './retries.ts'
import type { Context } from '../store/context.ts'
import { cursorOf, pull } from './record.ts'
import { storedChannel } from '../store/parking.ts'

/** Which kept events a subscriber is to get again. */
export interface Replay {
  readonly subscriber: string
  /** Event ids; `null` for whatever the rest of it says. */
  readonly events: readonly string[] | null
  readonly filter: Filter
  /** Milliseconds, both included. */
  readonly from: number
  readonly to: number
  /** Only tells how many there are. */
  readonly dryRun: boolean
}

export type Replayed =
  | { readonly kind: 'replayed'; readonly events: number }
  | { readonly kind: 'unknown' }

/**
 * Puts events beside a subscriber's line, to be posted again in their order and marked as a replay. What still waits for it, or
 * was given up, is left alone: that is delivered anyway, or is a dead letter.
 */
export function replay(context: Context, user: string, order: Replay): Replayed {
  if (!storedChannel(context, user)) {
    return { kind: 'unknown' }
  }
  const { subscriber, events, filter, from, to } = order
  const rows = context.db.all<{ seq: number; id: string; topic: Topic; about: string }>(
    `SELECT seq, id, topic, about FROM events WHERE seq <= ? AND at BETWEEN ? AND ?
      AND seq NOT IN (SELECT seq FROM aside WHERE subscriber = ?) ORDER BY seq`,
    cursorOf(context, subscriber),
    from,
    Math.min(to, Number.MAX_SAFE_INTEGER),
    subscriber,
  )
  const meant = rows.filter(({ id, topic, about: text }) => {
    const about: EventAbout = JSON.parse(text)
    return (
      (user === '' || about.enrollment.user === user) &&
      (events?.includes(id) ?? wants(filter, topic, about.status))
    )
  })
  if (!order.dryRun && meant.length > 0) {
    const aside = meant.map(({ seq }) => askedFor(context, seq, true))
    takeAsides(context, { subscriber, aside })
    context.effects.news.readers.push(subscriber)
  }
  return { kind: 'replayed', events: meant.length }
}

/** Tries a given-up event again, marked as it was, or forgets it. @returns whether it was kept. */
export function settleGivenUp(
  context: Context,
  subscriber: string,
  seq: number,
  retry: boolean,
): boolean {
  const [kept] = context.db.all<{ replay: number; dead: number }>(
    `SELECT replay, next_at IS NULL AS dead FROM aside JOIN events USING (seq)
      WHERE subscriber = ? AND seq = ?`,
    subscriber,
    seq,
  )
  // Whoever died between this and the dead letter's end asks twice: what is tried again already is left alone.
  if (kept?.dead === 1) {
    const aside = askedFor(context, seq, kept.replay === 1)
    const report = retry ? { aside: [aside] } : { settled: [seq] }
    pull(context, { subscriber, topics: [], ...report, read: false })
  }
  return kept !== undefined
}
