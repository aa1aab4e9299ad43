import type { EventAbout } from '../events/event.ts'
import { elsewhere, type Elsewhere } from './alias.ts'
import type { Context } from './context.ts'

export interface TimelineFilter {
  /** Only events before this one; undefined begins with the newest. */
  readonly before: number | undefined
  readonly limit: number
  readonly topics: readonly string[]
  readonly statuses: readonly string[]
}

/** An event without the message that caused it. */
export interface TimelineEvent {
  readonly sequence: number
  readonly id: string
  readonly topic: string
  readonly at: number
  readonly about: EventAbout
}

export type Timeline =
  | {
      readonly kind: 'timeline'
      readonly events: readonly TimelineEvent[]
      readonly next: number | undefined
    }
  | Elsewhere

/** What is kept of a device's events, newest first; of one user's, when one is named. */
export function viewTimeline(context: Context, user: string, filter: TimelineFilter): Timeline {
  const moved = user === '' ? elsewhere(context) : undefined
  if (moved || context.state.device.schema === 0) {
    return moved ?? { kind: 'timeline', events: [], next: undefined }
  }
  const topics = JSON.stringify(filter.topics)
  const statuses = JSON.stringify(filter.statuses)
  const rows = context.db.all<Omit<TimelineEvent, 'about'> & { about: string }>(
    `SELECT seq AS sequence, id, topic, at, about FROM events WHERE seq < ?
      AND (? = '[]' OR topic IN (SELECT value FROM json_each(?)))
      AND (? = '[]' OR about ->> 'status' IN (SELECT value FROM json_each(?)))
      AND (? = '' OR about ->> '$.enrollment.user' = ?) ORDER BY seq DESC LIMIT ?`,
    filter.before ?? Number.MAX_SAFE_INTEGER,
    topics,
    topics,
    statuses,
    statuses,
    user,
    user,
    filter.limit + 1,
  )
  const events = rows
    .slice(0, filter.limit)
    .map(({ about, ...row }) => ({ ...row, about: JSON.parse(about) }))
  return {
    kind: 'timeline',
    events,
    next: rows.length > filter.limit ? events.at(-1)?.sequence : undefined,
  }
}
