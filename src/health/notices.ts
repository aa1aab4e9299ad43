import type { Dated, Told } from '../control/dated.ts'
import { EXPIRY_RULES } from './expiry-rules.ts'

const DAY = 86_400_000

/** Whole days from `now` until a time (both milliseconds); 0 when less than a day is left, or none. */
export function daysLeft(notAfter: number, now: number): number {
  return Math.max(Math.floor((notAfter - now) / DAY), 0)
}

/** What is to be done about a thing that ends. */
export interface Notice {
  /** An event has to be told. */
  readonly isDue: boolean
  /** What counts as told afterwards; `undefined` while no notice is due. */
  readonly told: Told | undefined
}

/**
 * Whether the next notice about a thing is due at `now` (milliseconds). A notice is told once, also when the
 * day was missed, and then only the last one. That of a thing that has ended comes back each day. Another
 * `version` is another thing. One whose end moved away without one is told again when it comes near.
 */
export function noticeOf(thing: Dated, before: Told | undefined, now: number): Notice {
  const left = thing.notAfter - now
  const days = EXPIRY_RULES[thing.kind].notices.find((notice) => left <= notice * DAY)
  if (days === undefined) {
    return { isDue: false, told: undefined }
  }
  const last = before?.version === thing.version ? before : undefined
  const isNext = days < (last?.days ?? Infinity)
  const isDaily = days === 0 && last !== undefined && dayOf(last.at) < dayOf(now)
  const isDue = isNext || isDaily
  return { isDue, told: { version: thing.version, days, at: isDue ? now : (last?.at ?? now) } }
}

function dayOf(time: number): number {
  return Math.floor(time / DAY)
}
