/** Rules of automatic assignment: which profile a device gets. */
import type { DepDevice } from './records.ts'

/** Each condition that is given has to hold. Patterns know `*`, and no case. */
export interface DepMatch {
  /** `iPhone`, `iPad`, `Mac`, `AppleTV`, … */
  readonly family?: readonly string[]
  /** `iOS`, `iPadOS`, `OSX`, `tvOS`, `visionOS`. */
  readonly os?: readonly string[]
  /** Such as `MacBook Pro*`. */
  readonly model?: readonly string[]
  readonly serial?: readonly string[]
  /** The address of the person that assigned the device to the server entry. */
  readonly assigned_by?: readonly string[]
}

export interface DepRule {
  /** `{}` matches all devices, as MicroMDM’s filter `*` does. */
  readonly match: DepMatch
  /** Name or uuid of the profile. */
  readonly profile: string
}

/** The key of Apple’s record for each condition. */
const KEYS = [
  ['family', 'device_family'],
  ['os', 'os'],
  ['model', 'model'],
  ['serial', 'serial_number'],
  ['assigned_by', 'device_assigned_by'],
] as const

/** The first rule that matches a device; undefined when none does. */
export function ruleFor(rules: readonly DepRule[], device: DepDevice): DepRule | undefined {
  return rules.find(({ match }) =>
    KEYS.every(([condition, key]) => {
      const patterns = match[condition]
      const value = device[key]
      const text = typeof value === 'string' ? value.toLowerCase() : ''
      return patterns === undefined || patterns.some((pattern) => fits(pattern.toLowerCase(), text))
    }),
  )
}

/** Each part between stars is searched after the one before it: the time does not depend on their number. */
function fits(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) {
    return text === first
  }
  if (!text.startsWith(first)) {
    return false
  }
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found === -1) {
      return false
    }
    at = found + part.length
  }
  return text.length - at >= last.length && text.endsWith(last)
}
