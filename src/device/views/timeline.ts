import type { EventAbout } from '../../events/event.ts'
import {
  COMMAND_DEFERRED,
  COMMAND_UNSUPPORTED,
  ENROLLMENT_CONTESTED,
  ENROLLMENT_SETTLED,
  IDENTITY_CONFLICT,
  PUSH_UNREGISTERED,
  RENEWAL_NEEDED,
  TOPICS,
  type Topic,
} from '../../events/topics.ts'
import { viewRows, type CommandView } from '../queue/lookup.ts'
import type { Context } from '../store/context.ts'
import { eventsNumbered, selectEvents } from '../store/events.ts'
import type { IdentityStep } from '../store/rows/identity.ts'
import { channelAt } from '../store/channels.ts'
import { queueOf } from '../queue/window.ts'
import { selectMoment, selectPushes, type CommandMoment } from '../store/commands/read.ts'
import { readPushNote, type Channel, type PushNote } from '../store/channel-row.ts'

export const TIMELINE_KINDS = ['check-in', 'report', 'command', 'push', 'identity'] as const

export type TimelineKind = (typeof TIMELINE_KINDS)[number]

/**
 * The place of an entry: its time, its rank among those of one commit, and a number of its own. The three
 * never change, and later entries come before. So pages that are read while the device works repeat no entry
 * and miss none.
 */
export interface TimelinePlace {
  readonly at: number
  readonly rank: number
  readonly n: number
}

export interface TimelineFilter {
  /** Only entries after this place; undefined begins with the newest. */
  readonly before: TimelinePlace | undefined
  readonly limit: number
  /** None means all. Topics and statuses are of events: with either, no other entries are listed. */
  readonly kinds: readonly string[]
  readonly topics: readonly string[]
  readonly statuses: readonly string[]
}

/** An event without the message that caused it. */
export interface TimelineEvent {
  readonly sequence: number
  readonly id: string
  readonly topic: Topic
  readonly about: EventAbout
}

export type TimelineEntry = { readonly at: number; readonly kind: TimelineKind } & (
  | { readonly of: 'event'; readonly event: TimelineEvent }
  | { readonly of: 'command'; readonly step: CommandMoment; readonly command: CommandView }
  | { readonly of: 'push'; readonly user: string; readonly push: PushNote }
  | { readonly of: 'identity'; readonly step: IdentityStep['what']; readonly fingerprint: string }
)

export interface Timeline {
  readonly kind: 'timeline'
  readonly device: string
  readonly entries: readonly TimelineEntry[]
  /** `before` of the next page. */
  readonly next: TimelinePlace | undefined
}

/** The order within one commit: a message, its effects, its answer. */
const RANKS = {
  event: 0,
  identity: 1,
  queued: 2,
  push: 3,
  not_now: 4,
  answered: 5,
  ended: 6,
  handed_out: 7,
} as const
const STEPS = ['queued', 'not_now', 'answered', 'ended', 'handed_out'] as const
const STEP_OF: ReadonlyMap<number, CommandMoment> = new Map(
  STEPS.map((step) => [RANKS[step], step]),
)

const KIND_OF_TOPIC: Partial<Record<Topic, TimelineKind>> = {
  'mdm.Connect': 'report',
  [COMMAND_DEFERRED]: 'command',
  [COMMAND_UNSUPPORTED]: 'command',
  [IDENTITY_CONFLICT]: 'identity',
  [ENROLLMENT_CONTESTED]: 'identity',
  [ENROLLMENT_SETTLED]: 'identity',
  [PUSH_UNREGISTERED]: 'push',
  [RENEWAL_NEEDED]: 'identity',
}

function kindOf(topic: Topic): TimelineKind {
  return KIND_OF_TOPIC[topic] ?? 'check-in'
}

type PlaceRow = TimelinePlace & { readonly note: string }

/**
 * The timeline of a device, newest first; of one user, if one is named. Rows written cost money, so none is
 * written for it. Events, commands, the answers of APNs in them, and identities are put in one order as they
 * are read, and leave the timeline with their rows.
 */
export function viewTimeline(context: Context, named: Channel, filter: TimelineFilter): Timeline {
  const { user } = named
  const meant = user === '' ? context.state.channels : [named]
  for (const channel of meant) {
    // It marks commands that have expired by now.
    queueOf(context, channel)
  }
  const found = [
    ...storedPlaces(context, user, meant, filter),
    ...(wants(filter, 'push') ? lastPushes(meant) : []),
    ...(wants(filter, 'identity') && user === '' ? identityPlaces(context) : []),
  ].filter((place) => !filter.before || compare(place, filter.before) > 0)
  // A channel's last push may be in a command's row too.
  const places = [...new Map(found.map((place) => [textOf(place), place])).values()]
  const page = places.toSorted(compare).slice(0, filter.limit)
  return {
    kind: 'timeline',
    device: context.name,
    entries: entriesAt(context, page),
    next: places.length > filter.limit ? page.at(-1) : undefined,
  }
}

function wants({ kinds, topics, statuses }: TimelineFilter, kind: TimelineKind): boolean {
  return topics.length + statuses.length === 0 && (kinds.length === 0 || kinds.includes(kind))
}

/** Newest first. */
function compare(one: TimelinePlace, other: TimelinePlace): number {
  return other.at - one.at || other.rank - one.rank || other.n - one.n
}

function textOf({ at, rank, n }: TimelinePlace): string {
  return `${at}.${rank}.${n}`
}

interface Source {
  readonly select: string
  readonly values: readonly string[]
}

/** The first places of a page, from each column that holds the time of an entry. */
function storedPlaces(
  { db }: Context,
  user: string,
  meant: readonly Channel[],
  filter: TimelineFilter,
): PlaceRow[] {
  const { before, limit } = filter
  return [...commandSources(meant, filter), eventSource(user, filter)].flatMap(
    ({ select, values }) =>
      db.all<PlaceRow>(
        `SELECT at, rank, n, note FROM (${select}) WHERE at > 0 AND (at, rank, n) < (?, ?, ?)
          ORDER BY at DESC, rank DESC, n DESC LIMIT ?`,
        ...values,
        before?.at ?? Number.MAX_SAFE_INTEGER,
        before?.rank ?? 0,
        before?.n ?? 0,
        limit + 1,
      ),
  )
}

function eventSource(user: string, { kinds, topics, statuses }: TimelineFilter): Source {
  const wanted = TOPICS.filter(
    (topic) =>
      (topics.length === 0 || topics.includes(topic)) &&
      (kinds.length === 0 || kinds.includes(kindOf(topic))),
  )
  const { select, values } = selectEvents(wanted, statuses, user)
  return { select: `SELECT at, ${RANKS.event} AS rank, n, '' AS note FROM (${select})`, values }
}

function commandSources([channel]: readonly Channel[], filter: TimelineFilter): Source[] {
  if (!channel) {
    return []
  }
  // A user is one channel, and a device is all of them, parked ones too.
  const steps = STEPS.map((step) => selectMoment(channel, step, RANKS[step]))
  return [
    ...(wants(filter, 'command') ? steps : []),
    ...(wants(filter, 'push') ? [selectPushes(channel, RANKS.push)] : []),
  ].map((select) => ({ select, values: [] }))
}

/** The last answers of APNs: a row may not have them yet. */
function lastPushes(channels: readonly Channel[]): PlaceRow[] {
  return channels.flatMap(({ id, push }) =>
    push ? [{ at: push.at, rank: RANKS.push, n: id, note: JSON.stringify(push) }] : [],
  )
}

function identityPlaces({ state }: Context): PlaceRow[] {
  return state.identities.flatMap(({ id, history }) =>
    history.map(({ at }) => ({ at, rank: RANKS.identity, n: id, note: '' })),
  )
}

function entriesAt(context: Context, page: readonly PlaceRow[]): TimelineEntry[] {
  const events = eventsAt(context, numbersOf(page, [RANKS.event]))
  const commands = viewRows(context, numbersOf(page, [...STEP_OF.keys()]))
  const { identities } = context.state
  return page.flatMap(({ at, rank, n, note }): TimelineEntry[] => {
    const step = STEP_OF.get(rank)
    const command = step && commands.get(n)
    if (command) {
      return [{ kind: 'command', of: 'command', at, step, command }]
    }
    const push = rank === RANKS.push ? readPushNote(note) : undefined
    if (push) {
      return [{ kind: 'push', of: 'push', at, user: channelAt(context, n)?.user ?? '', push }]
    }
    const identity = rank === RANKS.identity ? identities.find(({ id }) => id === n) : undefined
    const happened = identity?.history.find((one) => one.at === at)
    if (identity && happened) {
      const { fingerprint } = identity
      return [{ kind: 'identity', of: 'identity', at, step: happened.what, fingerprint }]
    }
    const event = rank === RANKS.event ? events.get(n) : undefined
    return event ? [{ kind: kindOf(event.topic), of: 'event', at, event }] : []
  })
}

function numbersOf(page: readonly TimelinePlace[], ranks: readonly number[]): number[] {
  return [...new Set(page.filter(({ rank }) => ranks.includes(rank)).map(({ n }) => n))]
}

function eventsAt({ db }: Context, numbers: readonly number[]): Map<number, TimelineEvent> {
  const rows = eventsNumbered(db, numbers)
  return new Map(
    rows.map(({ seq, id, topic, about }) => [seq, { sequence: seq, id, topic, about }]),
  )
}
