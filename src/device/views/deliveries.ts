import type { Topic } from '../../events/topics.ts'
import type { EventAbout } from '../../events/event.ts'
import type { Context } from '../store/context.ts'

export interface DeliveryFilter {
  /** Only of this subscriber. */
  readonly subscriber: string | undefined
  /** Only events before this one; undefined begins with the newest. */
  readonly before: number | undefined
  /** Events, each with a delivery for every subscriber that wants it. */
  readonly limit: number
}

/**
 * `waiting`: in the line. `retrying`: refused, tried beside the line. `replaying`: somebody asked for it again. `dead`: given up.
 * `passed`: the subscriber is past it; whether it was delivered, dropped, thrown away or not wanted after all, no row tells.
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
  /** Of an event beside the line. */
  readonly nextAt: number | null
  readonly reason: string
}

export interface Deliveries {
  readonly kind: 'deliveries'
  readonly device: string
  readonly deliveries: readonly DeliveryOfEvent[]
  readonly next: number | undefined
}

interface AsideRow {
  subscriber: string
  seq: number
  tries: number
  nextAt: number | null
  reason: string
  replay: number
}

/** What is kept of a device's events, newest first, and how far each is with those that want it. */
export function viewDeliveries(context: Context, user: string, filter: DeliveryFilter): Deliveries {
  if (context.state.device.schema === 0) {
    return { kind: 'deliveries', device: context.name, deliveries: [], next: undefined }
  }
  const { cursors } = context.state
  const rows = context.db.all<{
    seq: number
    id: string
    topic: Topic
    at: number
    about: string
    listeners: string | null
  }>(
    `SELECT seq, id, topic, at, about, listeners FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?`,
    filter.before ?? Number.MAX_SAFE_INTEGER,
    filter.limit + 1,
  )
  const page = rows.slice(0, filter.limit)
  const asides = context.db.all<AsideRow>(
    `SELECT subscriber, seq, tries, next_at AS nextAt, reason, replay FROM aside
      WHERE seq BETWEEN ? AND ?`,
    page.at(-1)?.seq ?? 0,
    page[0]?.seq ?? 0,
  )
  const deliveries = page.flatMap(({ seq, id, topic, at, about: text, listeners }) => {
    const about: EventAbout = JSON.parse(text)
    const beside = asides.filter((aside) => aside.seq === seq)
    const named = listeners?.split(' ') ?? [...cursors.keys()]
    const readers = new Set([...named, ...beside.map(({ subscriber }) => subscriber)])
    return [...readers]
      .filter((reader) => reader !== '' && reader === (filter.subscriber ?? reader))
      .filter(() => user === '' || about.enrollment.user === user)
      .map((subscriber) => {
        const aside = beside.find((row) => row.subscriber === subscriber)
        const waits = aside === undefined && (cursors.get(subscriber) ?? 0) < seq
        return {
          subscriber,
          sequence: seq,
          event: id,
          topic,
          at,
          state: waits ? ('waiting' as const) : stateOf(aside),
          tries: aside?.tries ?? 0,
          nextAt: aside?.nextAt ?? null,
          reason: aside?.reason ?? '',
        }
      })
  })
  const next = rows.length > filter.limit ? page.at(-1)?.seq : undefined
  return { kind: 'deliveries', device: context.name, deliveries, next }
}

function stateOf(aside: AsideRow | undefined): DeliveryState {
  if (!aside) {
    return 'passed'
  }
  if (aside.nextAt === null) {
    return 'dead'
  }
  return aside.replay === 1 ? 'replaying' : 'retrying'
}
