import type { Topic } from '../../events/topics.ts'
import { cursorsOf, UNKNOWN } from '../outbox/cursors.ts'
import { RETRIED_NUMBERS, retriesBetween } from '../outbox/retries.ts'
import type { Context } from '../store/context.ts'
import { eventsBefore } from '../store/events.ts'

export interface DeliveryFilter {
  /** Only of this subscriber. */
  readonly subscriber: string | undefined
  /** The last delivery of the page before; undefined begins with the newest event. */
  readonly before: DeliveryPlace | undefined
  readonly limit: number
}

export type DeliveryPlace = Pick<Delivery, 'sequence' | 'subscriber'>

/**
 * `waiting`: the event is posted in its turn. `retrying`: the receiver refused it, and it is posted again
 * later. `dead`: it is a dead letter. `delivered`: the subscriber needs it no more.
 */
export type DeliveryState = 'waiting' | 'retrying' | 'dead' | 'delivered'

/** One event for one subscriber. Times are milliseconds. */
export interface Delivery {
  readonly subscriber: string
  readonly sequence: number
  readonly event: string
  readonly topic: Topic
  readonly at: number
  readonly state: DeliveryState
  /** Failed posts of an event that is retried separately or is a dead letter. */
  readonly tries: number
  readonly nextAt: number | null
  readonly reason: string
  /** Whether it waits because of a replay. */
  readonly replay: boolean
}

export interface Deliveries {
  readonly kind: 'deliveries'
  readonly device: string
  readonly deliveries: readonly Delivery[]
}

const EVENTS_READ = 100

/** The kept events of a device, newest first, each with its state for each subscriber that wants it. */
export function viewDeliveries(context: Context, user: string, filter: DeliveryFilter): Deliveries {
  const { subscriber, before, limit } = filter
  const deliveries: Delivery[] = []
  for (const one of deliveriesFrom(context, user, filter)) {
    const isShown = before?.sequence === one.sequence && one.subscriber <= before.subscriber
    if (!isShown && one.subscriber === (subscriber ?? one.subscriber)) {
      deliveries.push(one)
    }
    if (deliveries.length === limit) {
      break
    }
  }
  return { kind: 'deliveries', device: context.name, deliveries }
}

function* deliveriesFrom(
  context: Context,
  user: string,
  { subscriber, before: last }: DeliveryFilter,
): Generator<Delivery> {
  const cursors = cursorsOf(context)
  // SQL chooses the events: a device may have very many of them, and a user or a webhook few.
  const which = { user, subscriber, also: RETRIED_NUMBERS }
  let before: number | undefined = last ? last.sequence + 1 : Number.MAX_SAFE_INTEGER
  while (before !== undefined) {
    const events = eventsBefore(context.db, before, EVENTS_READ, which)
    const oldest = events.at(-1)?.seq
    const retries = retriesBetween(context.db, oldest ?? 0, before)
    for (const event of events) {
      const ofEvent = retries.filter(({ seq }) => seq === event.seq)
      yield* deliveriesOf(event, cursors, ofEvent)
    }
    before = events.length < EVENTS_READ ? undefined : oldest
  }
}

/** The order is that of the subscribers' ids. */
function deliveriesOf(
  { seq, id, topic, at, subscribers }: ReturnType<typeof eventsBefore>[number],
  cursors: ReadonlyMap<string, number>,
  retries: ReturnType<typeof retriesBetween>,
): Delivery[] {
  const retried = retries.map(({ subscriber }) => subscriber)
  const all = new Set([...(subscribers ?? cursors.keys()), ...retried])
  return [...all].toSorted().flatMap((subscriber) => {
    const retry = retries.find((one) => one.subscriber === subscriber)
    const cursor = cursors.get(subscriber)
    // A webhook that was removed has no cursor any more, and no deliveries.
    if (subscriber === UNKNOWN || (!retry && cursor === undefined)) {
      return []
    }
    const state = retry ? retryState(retry) : (cursor ?? 0) < seq ? 'waiting' : 'delivered'
    const { tries = 0, nextAt = null, reason = '', replay = false } = retry ?? {}
    const what = { sequence: seq, event: id, topic, at }
    return [{ subscriber, ...what, state, tries, nextAt, reason, replay }]
  })
}

function retryState({ nextAt, tries }: Pick<Delivery, 'nextAt' | 'tries'>): DeliveryState {
  if (nextAt === null) {
    return 'dead'
  }
  return tries > 0 ? 'retrying' : 'waiting'
}
