/** Which declarations and status items a device's OS and channel have. */
import { DECLARATION_TYPES, declarationSchema, STATUS_ITEMS } from '../../../apple/declarations.ts'
import { applesName, availability, lookUp } from '../../../apple/schema.ts'
import { isBefore } from '../../../apple/version.ts'
import type { ChannelFacts } from '../../../ddm/facts.ts'
import { declarationNeeds } from '../../../ddm/payload/needs.ts'
import { withheldBecause } from '../../../ddm/manifest/withhold.ts'
import type { JsonRecord } from './json.ts'

/** A device does not know the types of another platform or of another OS. */
export function knowsType(type: string, { platform, osVersion }: ChannelFacts): boolean {
  const need = platform && declarationNeeds(type, {})[applesName(platform)]
  return (
    declarationSchema(type) !== undefined &&
    need !== undefined &&
    !isBefore(osVersion, need.from) &&
    (need.until === undefined || isBefore(osVersion, need.until))
  )
}

/** Why the OS, the channel or the enrolment does not take the declaration. */
export function whyRefused(
  type: string,
  payload: JsonRecord,
  facts: ChannelFacts,
): string | undefined {
  return withheldBecause({ type, needs: declarationNeeds(type, payload) }, facts)
}

/** The types that the channel takes. Computed once for all devices that are alike. */
export function supportedDeclarations(facts: ChannelFacts): readonly string[] {
  const { platform, osVersion, enrollment, scope, sharedIPad } = facts
  const alike = [platform, osVersion, enrollment, scope, sharedIPad].join(' ')
  const types =
    SUPPORTED.get(alike) ??
    DECLARATION_TYPES.filter(
      (type) => knowsType(type, facts) && whyRefused(type, {}, facts) === undefined,
    )
  SUPPORTED.set(alike, types)
  return types
}

const SUPPORTED = new Map<string, readonly string[]>()

export function hasStatusItem(name: string, facts: ChannelFacts): boolean {
  const { platform, osVersion, scope, sharedIPad } = facts
  const found = platform && availability(lookUp(STATUS_ITEMS, name) ?? '', platform)
  const letter = scope === 'system' ? (sharedIPad ? 's' : 'd') : sharedIPad ? 'm' : 'u'
  return found?.channels.includes(letter) === true && !isBefore(osVersion, found.since)
}
