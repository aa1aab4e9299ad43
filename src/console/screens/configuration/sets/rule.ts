/** The rule of a set, in words and in a form: pure. */
import type { Schema } from '../../../api/types.ts'

export type SetRule = Schema<'SetRule'>

export const RULE_PLATFORMS = ['macOS', 'iOS', 'iPadOS', 'tvOS', 'watchOS', 'visionOS'] as const
type RulePlatform = (typeof RULE_PLATFORMS)[number]

/** What is typed. An empty text is a part that is left out. */
export interface RuleDraft {
  readonly isOn: boolean
  readonly platform: readonly RulePlatform[]
  readonly from: string
  readonly below: string
  readonly exact: string
  readonly supervised: '' | 'true' | 'false'
  /** One a line. */
  readonly model: string
  readonly serials: string
  readonly channel: 'device' | 'user'
}

export const NO_RULE: RuleDraft = {
  isOn: false,
  platform: [],
  from: '',
  below: '',
  exact: '',
  supervised: '',
  model: '',
  serials: '',
  channel: 'device',
}

/** The draft of a rule that is there. */
export function ruleDraftOf(rule: SetRule | null): RuleDraft {
  if (rule === null) {
    return NO_RULE
  }
  return {
    isOn: true,
    platform: rule.platform ?? [],
    from: rule.os_version_from ?? '',
    below: rule.os_version_below ?? '',
    exact: rule.os_version ?? '',
    supervised: rule.supervised === null ? '' : rule.supervised ? 'true' : 'false',
    model: (rule.model ?? []).join('\n'),
    serials: (rule.serial_number ?? []).join('\n'),
    channel: rule.channel ?? 'device',
  }
}

/** A set as its form has it. */
export interface SetDraft {
  readonly id: string
  readonly description: string
  readonly rule: RuleDraft
  /** The rule that is stored. */
  readonly stored: SetRule | null
  /** The version of what is stored; 0: nothing is. */
  readonly version: number
}

export const NEW_SET: SetDraft = {
  id: '',
  description: '',
  rule: NO_RULE,
  stored: null,
  version: 0,
}

export function setDraftOf({
  id,
  description,
  rule,
  version,
}: Pick<Schema<'DeclarationSetDetail'>, 'id' | 'description' | 'rule' | 'version'>): SetDraft {
  return { id, description: description ?? '', rule: ruleDraftOf(rule), stored: rule, version }
}

type RuleBody = NonNullable<Schema<'PutSetRequest'>['rule']>

/** The rule as the API takes it; `null` for none. */
export function ruleFrom(draft: RuleDraft): RuleBody | null {
  if (!draft.isOn) {
    return null
  }
  const [model, serials] = [linesIn(draft.model), linesIn(draft.serials)]
  const [exact, from, below] = [draft.exact, draft.from, draft.below].map((word) => word.trim())
  return {
    ...(draft.platform.length > 0 && { platform: [...draft.platform] }),
    ...(exact && { os_version: exact }),
    ...(from && { os_version_from: from }),
    ...(below && { os_version_below: below }),
    ...(draft.supervised !== '' && { supervised: draft.supervised === 'true' }),
    ...(model.length > 0 && { model }),
    ...(serials.length > 0 && { serial_number: serials }),
    ...(draft.channel === 'user' && { channel: 'user' as const }),
  }
}

/** What stands on lines of their own, or between commas or blanks. */
export function linesIn(text: string): string[] {
  return [...new Set(text.split(/[\n,;]+/).flatMap((word) => word.trim() || []))]
}

/** Which devices a rule takes, as a part of a sentence. A set without a rule has its members only. */
export function ruleWords(rule: SetRule | null): string {
  if (rule === null) {
    return 'no device'
  }
  const parts = [
    rule.platform === null ? 'devices' : `${listed(rule.platform)} devices`,
    rule.os_version !== null && `with OS ${rule.os_version}`,
    rule.os_version_from !== null && `with OS ${rule.os_version_from} or later`,
    rule.os_version_below !== null && `with an OS before ${rule.os_version_below}`,
    rule.supervised !== null && (rule.supervised ? 'supervised' : 'not supervised'),
    rule.model !== null && `of the model ${listed(rule.model)}`,
    rule.serial_number !== null && `with one of ${rule.serial_number.length} serial numbers`,
  ].filter((part) => part !== false)
  const who = parts.join(', ')
  return `${rule.channel === 'user' ? 'the users of all' : 'all'} ${who}`
}

/** The devices of a set by its rule, as a sentence. */
export function takenBy(rule: SetRule | null): string {
  return rule === null
    ? 'It has no rule: only its members belong to it.'
    : `By its rule it takes ${ruleWords(rule)}.`
}

function listed(words: readonly string[]): string {
  return words.length < 2
    ? words.join('')
    : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`
}
