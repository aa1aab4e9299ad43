import { ANNOUNCE_AFTER, nextAsideAt } from './outbox/retries.ts'
import type { Context } from './store/context.ts'
import { contestDueAt, passTime } from './standing/contest-end.ts'
import { toldNews, type ToldNews } from './store/directory-row.ts'
import { readersBehind, waitingSince } from './outbox/cursors.ts'
import { pushDueAt } from './push/decide.ts'
import { queueOf } from './queue/window.ts'

const QUARTER = 900_000
const HOUR = 3_600_000
const DAY = 24 * HOUR

export interface Due {
  readonly news: ToldNews
  /** Ids of channels to push again. */
  readonly push: readonly number[]
}

/**
 * What is due now, and when the alarm has to ring next; `undefined` when nothing is left to do. Everything is
 * read off the rows: what waits, since when. Nobody counts tries, because the longer something waits, the
 * rarer it is tried.
 */
export function dueTimes(context: Context): { due: Due; next: number | undefined } {
  const { state, now } = context
  if (state.device.schema === 0) {
    return { due: { news: { readers: [], directory: undefined }, push: [] }, next: undefined }
  }
  const { device } = state
  passTime(context)
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
  const asideAt = nextAsideAt(context)
  const behind = announce(waitingSince(context)) || (asideAt !== undefined && asideAt <= now)
  const news = {
    readers: behind ? readersBehind(context) : [],
    directory: announce(device.projected < device.version ? device.lastSeen : undefined),
  }
  if (asideAt !== undefined) {
    dates.push(asideAt <= now ? now + clamp(now - asideAt, ANNOUNCE_AFTER, HOUR) : asideAt)
  }
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
  return {
    due: { news: toldNews(context, news), push },
    // Not Math.min of all: a shared Mac may have more users than a call takes arguments.
    next: dates.length > 0 ? dates.reduce((first, at) => Math.min(first, at)) : undefined,
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}
