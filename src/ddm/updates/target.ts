import { isBefore } from '../../apple/version.ts'
import type { Platform } from '../../apple/platform.ts'
import type { OsRelease } from './version.ts'

/** Which version devices are to have: a given one, or the newest that has been out for some days. */
export type UpdateRule =
  | { readonly version: string; readonly build?: string }
  | {
      readonly newestOlderThanDays: number
      /** `26`: stay on this major version. */
      readonly major?: number
    }

const DAY_LENGTH = 86_400_000

/**
 * The version that a rule names today; `undefined` when no release fits. It has no build then: a version may
 * have a build for each model. Versions that Apple no longer signs, and Background Security Improvements, do
 * not count.
 *
 * @param now milliseconds
 * @param device the model, as Apple lists it: the product name, or `softwareupdate.device-id`
 */
export function targetOf(
  rule: UpdateRule,
  platform: Platform,
  releases: readonly OsRelease[],
  now: number,
  device?: string,
): { readonly version: string; readonly build?: string } | undefined {
  if ('version' in rule) {
    return rule
  }
  const latest = now - rule.newestOlderThanDays * DAY_LENGTH
  const versions = releases
    .filter(
      ({ platforms, supplemental, released, expires, devices, version }) =>
        platforms.includes(platform) &&
        !supplemental &&
        released <= latest &&
        (expires === undefined || expires > now) &&
        (rule.major === undefined || Number.parseInt(version, 10) === rule.major) &&
        (device === undefined || devices.length === 0 || devices.includes(device)),
    )
    .map(({ version }) => version)
  const [first, ...others] = versions
  return first === undefined
    ? undefined
    : { version: others.reduce((newest, one) => (isBefore(newest, one) ? one : newest), first) }
}
