import { isSubscriberBehind, subscribersBehind, waitingSince } from '../outbox/cursors.ts'
import { nextRetryAt } from '../outbox/retries.ts'
import { pushDueAt } from '../push/decide.ts'
import { PUSH_FALLBACK, queueOf } from '../queue/window.ts'
import { advanceSetup } from '../setup/advance.ts'
import { setupAlarm } from '../setup/begin.ts'
import { contestDueAt, advanceContest } from '../standing/contest-end.ts'
import { ANNOUNCE_AFTER, wakeBy, type Context } from '../store/context.ts'
import { announcementOf, type AnnouncementBody } from '../standing/directory-row.ts'

const QUARTER = 900_000
const HOUR = 3_600_000
const DAY = 24 * HOUR

interface Due {
  readonly announcement: AnnouncementBody
  /** Ids of channels to push again. */
  readonly push: readonly number[]
}

interface DueTimes {
  readonly due: Due
  readonly next: number | undefined
}

/**
 * A commit that leaves a push or a contest behind needs the alarm: memory, with the timer of the push, may go
 * at any time.
 */
export function watchOver(context: Context): void {
  const contestAt = contestDueAt(context)
  if (contestAt !== undefined) {
    wakeBy(context, contestAt)
  }
  const setup = setupAlarm(context)
  if (setup.at > 0) {
    wakeBy(context, setup.at)
  }
  if (context.effects.push.size > 0) {
    wakeBy(context, context.now + PUSH_FALLBACK)
  }
}

/**
 * The work that is due, and the time of the next alarm; `undefined` when no work is left. The rows say what
 * waits, and since when. Tries are not counted: the longer something waits, the rarer it is tried.
 */
export function dueTimes(context: Context): DueTimes {
  advanceContest(context)
  advanceSetup(context)
  return workOf(context)
}

/** {@link dueTimes} as the rows are: nothing goes on. */
export function workOf(context: Context): DueTimes {
  const { now } = context
  const { device } = context.state
  const contestAt = contestDueAt(context)
  const dates = contestAt === undefined ? [] : [contestAt]
  const announce = (since: number | undefined): boolean => {
    if (since === undefined) {
      return false
    }
    const due = now - since >= ANNOUNCE_AFTER
    dates.push(due ? now + clamp(now - since, ANNOUNCE_AFTER, HOUR) : since + ANNOUNCE_AFTER)
    return due
  }
  const retryAt = nextRetryAt(context)
  const behind = announce(waitingSince(context)) || (retryAt !== undefined && retryAt <= now)
  const toAnnounce = {
    subscribers: behind ? subscribersBehind(context) : [],
    directory: announce(device.projected < device.version ? device.version : undefined),
  }
  if (retryAt !== undefined) {
    dates.push(retryAt <= now ? now + clamp(now - retryAt, ANNOUNCE_AFTER, HOUR) : retryAt)
  }
  const setup = setupAlarm(context)
  if (setup.at > 0) {
    dates.push(setup.at)
  }
  const push = pushesDue(context, dates)
  return {
    due: {
      announcement: {
        ...announcementOf(context, toAnnounce),
        ...(setup.isDue && { setup: true as const }),
      },
      push,
    },
    // Math.min of all dates could get more arguments than a call takes: a shared Mac may have many users.
    next: dates.length > 0 ? dates.reduce((first, at) => Math.min(first, at)) : undefined,
  }
}

/** The channels to push again now. The times of their queues join the dates. */
function pushesDue(context: Context, dates: number[]): number[] {
  const { state, now } = context
  const push: number[] = []
  for (const channel of state.channels) {
    const { heldUntil, expiresAt } = queueOf(context, channel)
    dates.push(...[heldUntil, expiresAt].filter((at) => at < Infinity))
    const at = pushDueAt(context, channel)
    if (at !== undefined && at <= now) {
      push.push(channel.id)
    }
    if (at !== undefined) {
      dates.push(at <= now ? now + clamp(now - at, QUARTER, DAY) : at)
    }
  }
  return push
}

/** Whether a commit has ended the last work that the alarm watches over. */
export function endsWork(context: Context): boolean {
  const { finished, settled } = context.effects
  return (
    (finished.size > 0 || settled) &&
    !isSubscriberBehind(context) &&
    dueTimes(context).next === undefined
  )
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}
