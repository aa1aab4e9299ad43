import type { Topic } from '../../events/topics.ts'
import { cursorsOf, UNKNOWN } from '../outbox/cursors.ts'
import { retriesBetween } from '../outbox/retries.ts'
import type { Context } from '../store/context.ts'
import { eventsBefore } from '../store/events.ts'

export interface DeliveryFilter {
  /** Only of this subscriber. */
  readonly subscriber: string | undefined
  /** Only events before this one; undefined begins with the newest. */
  readonly before: number | undefined
  /** Events, each with a delivery for every subscriber that wants it. */
  readonly limit: number
}

/**
 * `waiting`: the subscriber has not passed it. `retrying`: it was refused. `replaying`: an admin requested it
 * again. `dead`: a dead letter. `passed`: it was delivered, dropped, deleted or not wanted after all; no row
 * says which.
 */
export type DeliveryState = 'waiting' | 'retrying' | 'replaying' | 'dead' | 'passed'

/** How far an event is with a subscriber. Times are milliseconds. */
export interface DeliveryOfEvent {
  readonly subscriber: string
  readonly sequence: number
  readonly event: string
  readonly topic: Topic
  readonly at: number
  readonly state: DeliveryState
  readonly tries: number
  /** When it is tried again. */
  readonly nextAt: number | null
  readonly reason: string
}

export interface Deliveries {
  readonly kind: 'deliveries'
  readonly device: string
  readonly deliveries: readonly DeliveryOfEvent[]
  readonly next: number | undefined
}

/** The kept events of a device, newest first, and how far each is with the subscribers that want it. */
export function viewDeliveries(context: Context, user: string, filter: DeliveryFilter): Deliveries {
  const cursors = cursorsOf(context)
  const rows = eventsBefore(context.db, filter.before ?? Number.MAX_SAFE_INTEGER, filter.limit + 1)
  const page = rows.slice(0, filter.limit)
  const retries = retriesBetween(context.db, page.at(-1)?.seq ?? 0, page[0]?.seq ?? 0)
  const deliveries = page
    .filter(({ about }) => user === '' || about.enrollment.user === user)
    .flatMap(({ seq, id, topic, at, subscribers = [...cursors.keys()] }) => {
      const ofEvent = retries.filter((retry) => retry.seq === seq)
      const all = new Set([...subscribers, ...ofEvent.map(({ subscriber }) => subscriber)])
      return [...all]
        .filter((one) => one !== UNKNOWN && one === (filter.subscriber ?? one))
        .map((subscriber) => {
          const retry = ofEvent.find((one) => one.subscriber === subscriber)
          const waits = retry === undefined && (cursors.get(subscriber) ?? 0) < seq
          return {
            subscriber,
            sequence: seq,
            event: id,
            topic,
            at,
            state: waits ? ('waiting' as const) : stateOf(retry),
            tries: retry?.tries ?? 0,
            nextAt: retry?.nextAt ?? null,
            reason: retry?.reason ?? '',
          }
        })
    })
  const next = rows.length > filter.limit ? page.at(-1)?.seq : undefined
  return { kind: 'deliveries', device: context.name, deliveries, next }
}

function stateOf(
  retry: { readonly nextAt: number | null; readonly replay: boolean } | undefined,
): DeliveryState {
  if (!retry) {
    return 'passed'
  }
  if (retry.nextAt === null) {
    return 'dead'
  }
  return retry.replay ? 'replaying' : 'retrying'
}
