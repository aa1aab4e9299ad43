import type { Schema } from '../../../api/types.ts'
import type { Tone } from '../../../kit/badge.tsx'

/** Sentences of declarations. */

export type DeclarationState = Schema<'DeclarationState'>

/** Each state, those that need somebody first. */
export const STATE_WORDS: Readonly<Record<DeclarationState, readonly [Tone, string]>> = {
  failed: ['bad', 'Failed'],
  withheld: ['warn', 'Withheld'],
  pending: ['busy', 'Not reported yet'],
  inactive: ['quiet', 'Not active'],
  applied: ['good', 'Applied'],
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of the table
export const STATES = Object.keys(STATE_WORDS) as readonly DeclarationState[]

export const NO_DECLARATIONS =
  'A declaration is configuration that a device keeps true by itself: a passcode rule, a file, an app.'

export const NO_DEVICES =
  'Devices get it by a set: put it into one, and devices into the set, by a rule or one by one.'

export const JSON_HINT =
  'Apple’s Payload. A whole declaration, with Type, Identifier and Payload, may be pasted or dropped too. ' +
  'Left empty, it is {}.'

export const STEPS_HINT = 'Shares of the devices in percent, rising.'

export const FORCE =
  'Store it all the same: Apple’s schema, as this server has it, may be older than what you write'

export const MEANWHILE = (version: number): string =>
  `It was changed meanwhile, and has version ${version} now. What you typed stays here, and is not stored.`

export const GONE =
  'Nothing has this identifier: it was deleted, or the address is mistyped. Devices do not have it.'

export const TOUCH = 'Each of its devices fetches it again, unchanged, and applies it once more.'

export const PREVIEW_STATES: Readonly<
  Record<
    NonNullable<Schema<'DeclarationPreview'>>['items'][number]['state'],
    readonly [Tone, string]
  >
> = {
  offered: ['good', 'Gets it'],
  withheld: ['warn', 'Withheld'],
  unknown: ['quiet', 'Not known'],
}

export const ROLLOUT_WORDS = {
  running: ['busy', 'The roll-out goes on'],
  finished: ['good', 'The roll-out has ended: all devices have it'],
  cancelled: ['quiet', 'The roll-out was ended'],
  stopped: ['bad', 'The roll-out has stopped'],
} as const satisfies Readonly<Record<string, readonly [Tone, string]>>

/** The type without what all types begin with. */
export function shortType(type: string): string {
  return type.replace(/^com\.apple\./, '')
}

export function declarationPage(id: string, query = ''): string {
  return `/console/declarations/${encodeURIComponent(id)}${query}`
}
