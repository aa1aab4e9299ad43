import { isBefore } from '../../apple/version.ts'
import type { Platform } from '../../apple/platform.ts'

/** A version of an OS that Apple publishes, or that an admin lists. */
export interface OsRelease {
  readonly platforms: readonly Platform[]
  /** `26.2` */
  readonly version: string
  /** Empty when the list has none. */
  readonly build: string
  /** Milliseconds. */
  readonly released: number
  /** When Apple stops to sign it, in milliseconds: devices cannot install it any more. */
  readonly expires?: number
  /** Models such as `Mac16,1`; empty for all models. */
  readonly devices: readonly string[]
  /** A Background Security Improvement: an addition to a version, not a version. */
  readonly supplemental: boolean
}

/** `25C200`: its numbers and letters in turn. */
const PARTS = /\d+|[a-z]+/gi

export function isVersion(text: string): boolean {
  return /^\d{1,4}(?:\.\d{1,4}){0,3}$/.test(text)
}

export function isSameVersion(one: string, other: string): boolean {
  return isVersion(one) && isVersion(other) && !isBefore(one, other) && !isBefore(other, one)
}

/** Whether build `a` comes before `b`: `25C56` before `25C200`, and `20A242` before `20A242a`. */
export function isBuildBefore(a: string, b: string): boolean {
  const [left, right] = [a.match(PARTS) ?? [], b.match(PARTS) ?? []]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [one = '', other = ''] = [left[i], right[i]]
    if (one !== other) {
      const difference = Number(one) - Number(other)
      return Number.isNaN(difference) ? one < other : difference < 0
    }
  }
  return false
}
