/** The rules of an account while they are edited: pure. */
import type { Schema } from '../../../api/types.ts'
import type { FieldOf, JsonForm } from '../form/fields.ts'

export interface RuleDraft {
  readonly match: JsonForm
  readonly profile: string
}

/** The conditions of a rule. All that are given have to hold; `*` stands for any text. */
export const MATCH_FIELDS: readonly FieldOf[] = [
  { key: 'family', label: 'Family', as: 'list', hint: 'Mac, iPhone, iPad, AppleTV. One a line' },
  { key: 'model', label: 'Model', as: 'list', hint: 'MacBook Pro*' },
  { key: 'serial', label: 'Serial number', as: 'list', hint: 'C02*' },
  { key: 'os', label: 'System', as: 'list', hint: 'OSX, iOS, iPadOS, tvOS, visionOS' },
  { key: 'assigned_by', label: 'Assigned by', as: 'list', hint: '*@school.example.com' },
]

/** A rule of the server: a condition without a value is not there. */
export function ruleDraftOf({ match, profile }: Schema<'DepRule'>): RuleDraft {
  const given = Object.entries(match).filter(([, patterns]) => patterns !== null)
  return { match: Object.fromEntries(given), profile }
}

/** “Mac · MacBook Pro*”; a rule without conditions is for all devices. */
export function ruleTitle({ match }: RuleDraft): string {
  const parts = Object.values(match).map((patterns) => [patterns].flat().join(', '))
  return parts.length === 0 ? 'All devices' : parts.join(' · ')
}

/**
 * Why the rules cannot be counted yet, with its place. The server refuses a rule without a profile by its
 * length, which says nothing to a person.
 */
export function unfinished(rules: readonly RuleDraft[]): { at: string; detail: string }[] {
  return rules.flatMap(({ profile }, n) =>
    profile === '' ? [{ at: `json.rules.${n}.profile`, detail: 'Choose a profile' }] : [],
  )
}
