import type { Platform } from '../../apple/platform.ts'
import { applesName } from '../../apple/schema.ts'
import { isBefore } from '../../apple/version.ts'
import type { ChannelFacts, PlatformNeed } from '../facts.ts'
import type { DeclarationItem } from '../item.ts'
import { isVersion } from '../updates/version.ts'

/** Why a channel does not take a declaration; undefined if it does, or may. */
export function withheldBecause(
  { type, needs }: Pick<DeclarationItem, 'type' | 'needs'>,
  facts: ChannelFacts,
): string | undefined {
  const { platform, supported } = facts
  const reason = platform && platformReason(needs[applesName(platform)], platform, facts)
  const isListed = supported?.includes(type) ?? true
  return reason ?? (isListed ? undefined : `the device does not list ${type} as supported`)
}

function platformReason(
  need: PlatformNeed | undefined,
  platform: Platform,
  facts: ChannelFacts,
): string | undefined {
  if (need === undefined) {
    return `${platform} does not have it`
  }
  return (
    versionReason(need, platform, facts) ??
    enrollmentReason(need, facts) ??
    scopeReason(need, platform, facts)
  )
}

function versionReason(
  { from, until, by }: PlatformNeed,
  platform: Platform,
  { osVersion }: ChannelFacts,
): string | undefined {
  if (!isVersion(osVersion)) {
    return undefined
  }
  if (until !== undefined && !isBefore(osVersion, until)) {
    return `${platform} ${until} has removed it`
  }
  const part = by === undefined ? '' : `its key ${by} `
  return isBefore(osVersion, from)
    ? `${part}came with ${platform} ${from}, and the device has ${osVersion}`
    : undefined
}

function enrollmentReason(
  { enrollments }: PlatformNeed,
  { enrollment }: ChannelFacts,
): string | undefined {
  if (enrollment === undefined || !enrollments || enrollments.includes(enrollment)) {
    return undefined
  }
  return enrollment === 'user' && enrollments.includes('device')
    ? 'User Enrollment does not allow it'
    : 'needs supervision'
}

function scopeReason(
  { scopes, shared }: PlatformNeed,
  platform: Platform,
  { scope, sharedIPad }: ChannelFacts,
): string | undefined {
  // An iPad has user channels only as a Shared iPad.
  const isShared = sharedIPad || (platform === 'iPadOS' && scope === 'user')
  const allowed = isShared ? shared : scopes
  if (!allowed || allowed.includes(scope)) {
    return undefined
  }
  const channel = scope === 'system' ? 'the device channel' : 'the user channel'
  return `${channel}${isShared ? ' of a Shared iPad' : ''} does not take it`
}
