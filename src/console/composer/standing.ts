/** Whether a device has a command or a key, and why not. It warns only: what the console knows may be old. */
import type { KeyThere, There } from '../../command-types/document.ts'
import { isBefore } from '../../apple/version.ts'
import type { DeviceFacts } from './facts.ts'

export type CommandStanding =
  | { readonly kind: 'there'; readonly remark?: string }
  | { readonly kind: 'lacking'; readonly why: string }

const THERE: CommandStanding = { kind: 'there' }
const VERSION = /^\d+(\.\d+)*$/

/** What the standing of a command is told by. */
interface Offered {
  readonly availability: readonly There[]
  readonly replacement: string | null
}

export function commandStanding(
  { availability, replacement }: Offered,
  facts: DeviceFacts,
): CommandStanding {
  const { platform } = facts
  if (platform === null) {
    return THERE
  }
  const there = availability.find((one) => one.platform === platformOfSchema(platform))
  if (!there) {
    return lacking(`not on ${platform}`)
  }
  const removed = removedIn(there, facts)
  if (removed !== undefined) {
    return lacking(`removed in ${platform} ${removed}${replacement ? `: use ${replacement}` : ''}`)
  }
  const reason =
    tooOld(there, facts) ?? onOtherChannel(there, facts) ?? onOtherEnrolment(there, facts)
  if (reason !== undefined) {
    return lacking(reason)
  }
  const { deprecated } = there
  return deprecated !== undefined && isReached(deprecated, facts)
    ? { kind: 'there', remark: `deprecated since ${platform} ${deprecated}` }
    : THERE
}

/** @param availability without one, the key exists wherever its command does */
export function keyStanding(
  availability: readonly KeyThere[] | undefined,
  facts: DeviceFacts,
): CommandStanding {
  const { platform } = facts
  if (!availability || platform === null) {
    return THERE
  }
  const there = availability.find((one) => one.platform === platformOfSchema(platform))
  if (!there) {
    return lacking(`not for ${platform}`)
  }
  const removed = removedIn(there, facts)
  const reason = removed === undefined ? tooOld(there, facts) : `removed in ${platform} ${removed}`
  if (reason !== undefined) {
    return lacking(reason)
  }
  return there.supervised && facts.isSupervised === false ? lacking('needs supervision') : THERE
}

/** Apple's schema counts iPadOS as iOS. */
function platformOfSchema(platform: string): string {
  return platform === 'iPadOS' ? 'iOS' : platform
}

function removedIn({ removed }: KeyThere, facts: DeviceFacts): string | undefined {
  return removed !== undefined && isReached(removed, facts) ? removed : undefined
}

function isReached(version: string, { osVersion }: DeviceFacts): boolean {
  return osVersion !== null && VERSION.test(osVersion) && !isBefore(osVersion, version)
}

function tooOld({ since }: KeyThere, { platform, osVersion }: DeviceFacts): string | undefined {
  return osVersion !== null && VERSION.test(osVersion) && isBefore(osVersion, since)
    ? `came with ${platform} ${since}, and this is ${osVersion}`
    : undefined
}

function onOtherChannel(
  { channels, shared_ipad: shared }: There,
  { isUser, isSharedIpad }: DeviceFacts,
): string | undefined {
  const channel = isUser ? 'user' : 'device'
  const has = isSharedIpad ? shared : channels
  if (has.includes(channel)) {
    return undefined
  }
  return channels.length === 0 && shared.length > 0
    ? 'only on a Shared iPad'
    : isUser
      ? 'for the device, not for a user'
      : 'only for a user of the device'
}

function onOtherEnrolment(
  { supervised, user_enrollment: underUser, automated_enrollment: isAutomated }: There,
  facts: DeviceFacts,
): string | undefined {
  if (facts.isUserEnrolment && !underUser) {
    return 'not under a User Enrollment'
  }
  if (supervised && facts.isSupervised === false) {
    return 'needs supervision'
  }
  return isAutomated && facts.isAutomated === false
    ? 'needs Automated Device Enrollment'
    : undefined
}

function lacking(why: string): CommandStanding {
  return { kind: 'lacking', why }
}
