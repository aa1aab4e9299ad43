import { isBefore } from '../../apple/version.ts'
import type { Platform } from '../../apple/platform.ts'
import type { ChannelFacts, ChannelScope } from '../facts.ts'

/** Which channels belong to a set by themselves. Each part has to match; an absent part matches all. */
export interface Rule {
  readonly platform?: readonly Platform[]
  /** A version and all that begin with it: `26` matches `26.1` too. */
  readonly osVersion?: string
  /** From this version on. */
  readonly osVersionFrom?: string
  /** Before this version. */
  readonly osVersionBelow?: string
  readonly supervised?: boolean
  /** Model, model name or product name, or its beginning. */
  readonly model?: readonly string[]
  readonly serialNumber?: readonly string[]
  /** A set that an admin put the channel into. */
  readonly set?: string
  /** `system` when absent: the device channel. */
  readonly scope?: ChannelScope
}

type Check = (rule: Rule, facts: ChannelFacts, sets: ReadonlySet<string>) => boolean

/** One check for each part of a rule. A part whose fact is unknown does not match. */
const CHECKS: Readonly<Record<keyof Rule, Check>> = {
  scope: (rule, { scope }) => (rule.scope ?? 'system') === scope,
  platform: (rule, { platform }) =>
    platform !== undefined && rule.platform?.includes(platform) === true,
  osVersion: (rule, { osVersion }) => `${osVersion}.`.startsWith(`${rule.osVersion}.`),
  osVersionFrom: ({ osVersionFrom = '' }, { osVersion }) =>
    osVersion !== '' && !isBefore(osVersion, osVersionFrom),
  osVersionBelow: ({ osVersionBelow = '' }, { osVersion }) =>
    osVersion !== '' && isBefore(osVersion, osVersionBelow),
  supervised: ({ supervised }, { enrollment }) =>
    enrollment !== undefined && (enrollment === 'supervised') === supervised,
  model: ({ model = [] }, { models }) =>
    model.some((one) => models.some((name) => name.startsWith(one))),
  serialNumber: ({ serialNumber = [] }, facts) => serialNumber.includes(facts.serialNumber),
  set: ({ set = '' }, _, sets) => sets.has(set),
}

/** Whether a rule takes a channel. @param sets those that an admin put it into */
export function matchesRule(
  rule: Rule,
  facts: ChannelFacts,
  sets: ReadonlySet<string> = new Set(),
): boolean {
  return (
    CHECKS.scope(rule, facts, sets) &&
    Object.entries(CHECKS).every(
      ([part, check]) => !Object.hasOwn(rule, part) || check(rule, facts, sets),
    )
  )
}
