import type { ChosenTarget, DeadlineRule, UpdatePlatform, UpdatePolicy } from './policy.ts'
import { targetOf } from './target.ts'
import { isSameVersion, type OsRelease } from './version.ts'

export type Choice =
  | { readonly kind: 'chosen'; readonly target: ChosenTarget }
  | { readonly kind: 'none'; readonly reason: string }

const NO_LIST =
  'this needs a list of OS versions, and there is none: upload one with ' +
  'PUT /api/software-updates/versions, or name the address of one with PUT /api/software-updates/feed'

const DAY_MS = 86_400_000
/** A deadline by the release lies at least so many days after the choice: users hear of it before. */
const LEAST_NOTICE = 2
const FIRST_ZONE = 14 * 3_600_000
const LAST_ZONE = 12 * 3_600_000

/**
 * What the devices of a platform are to install now.
 *
 * @param before what they were to install, if the policy's deadline is still the same
 * @param now milliseconds
 */
export function chooseTarget(
  policy: Pick<UpdatePolicy, 'target' | 'deadline'>,
  platform: UpdatePlatform,
  { releases, before, now }: Choosing,
): Choice | undefined {
  const { target: rule, deadline } = policy
  if (!rule || !deadline) {
    return undefined
  }
  const found = targetOf(rule, platform, releases, now)
  if (!found) {
    const reason =
      releases.length === 0
        ? NO_LIST
        : `the list of OS versions has none for ${platform} that fits (GET /api/software-updates/versions)`
    return { kind: 'none', reason }
  }
  const { version, build } = found
  const ofVersion = releases.filter(
    (release) =>
      release.platforms.includes(platform) &&
      isSameVersion(release.version, version) &&
      (build === undefined || release.build === '' || release.build === build),
  )
  const last = Math.max(...ofVersion.map(({ expires = Infinity }) => expires))
  if (ofVersion.length > 0 && last <= now) {
    const day = dayText(last)
    return {
      kind: 'none',
      reason: `Apple does not sign ${platform} ${version} since ${day}: name a later version`,
    }
  }
  const since = before && isSameVersion(before.version, version) ? before.since : now
  const local = localDeadline(deadline, ofVersion, since)
  if (local !== undefined) {
    return { kind: 'chosen', target: { ...found, deadline: local, since } }
  }
  const missing = `the list of OS versions does not have ${platform} ${version}: give deadline.local`
  return { kind: 'none', reason: releases.length === 0 ? NO_LIST : missing }
}

interface Choosing {
  readonly releases: readonly OsRelease[]
  readonly before: ChosenTarget | undefined
  readonly now: number
}

function localDeadline(
  rule: DeadlineRule,
  releases: readonly OsRelease[],
  since: number,
): string | undefined {
  if ('local' in rule) {
    return rule.local
  }
  const released = releases.filter(({ supplemental }) => !supplemental).map((one) => one.released)
  return released.length === 0
    ? undefined
    : `${dayText(
        Math.max(
          Math.min(...released) + rule.daysAfterRelease * DAY_MS,
          since + LEAST_NOTICE * DAY_MS,
        ),
      )}T${rule.time}`
}

function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** The first and the last moment at which a local time comes around the world (milliseconds). */
export function momentsOf(local: string): { readonly first: number; readonly last: number } {
  const utc = Date.parse(`${local}Z`)
  return { first: utc - FIRST_ZONE, last: utc + LAST_ZONE }
}
