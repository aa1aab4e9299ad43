/** The secrets without which the server serves nothing, and the keys with all scopes. */
import { hash } from 'node:crypto'
import type { ServerClaim } from './claim.ts'
import type { TextOf } from './enrollment.ts'

/** `unreadable`: the keys may be in Control, which does not answer. */
export type NotConfigured = 'unclaimed' | 'unreadable' | 'incomplete'

/** With one of the two secrets, the server is its owner's already: it says which one is missing. */
export function whyNot(text: TextOf, claim: ServerClaim | undefined): NotConfigured {
  if (claim && 'unreadable' in claim) {
    return 'unreadable'
  }
  const isNew = claim && !claim.by && text('API_KEY') === '' && text('SEAL_KEYS') === ''
  return isNew ? 'unclaimed' : 'incomplete'
}

/**
 * The secrets that have to be set. The keys are in Control on a server that the page has claimed, and as long
 * as Control holds a ring: secrets that are gone after a rollback stop nothing.
 */
export function missingSecrets(
  text: TextOf,
  adminKeysOnly: boolean,
  claim: ServerClaim | undefined,
): string[] {
  if (claim && 'unreadable' in claim) {
    return [`the object Control, which may hold the keys, does not answer: ${claim.unreadable}`]
  }
  const holdsRing = claim !== undefined && claim.ring !== ''
  const needed = {
    API_KEY: !adminKeysOnly && !holdsRing && claim?.by !== 'page',
    SEAL_KEYS: !holdsRing,
  }
  return Object.entries(needed)
    .filter(([name, isNeeded]) => isNeeded && text(name) === '')
    .map(([name]) => `${name} is not set: add it with \`wrangler secret put ${name}\``)
}

/** A key with all scopes, out of the settings: it works while the list of keys cannot be read. */
export interface BootstrapKey {
  readonly key: string
  /** Names the key in lists and in the audit: the first eight hex digits of its SHA-256. */
  readonly id: string
  readonly name: string
}

export const PREVIOUS_KEY = 'bootstrap (previous)'

const BOOTSTRAP_KEYS = [
  ['API_KEY', 'bootstrap'],
  ['API_KEY_PREVIOUS', PREVIOUS_KEY],
] as const

/** The keys that are set. */
export function readBootstrapKeys(text: TextOf): BootstrapKey[] {
  return BOOTSTRAP_KEYS.map(([variable, name]) => ({ key: text(variable), name }))
    .filter(({ key }) => key !== '')
    .map(({ key, name }) => ({ key, id: hash('sha256', key, 'hex').slice(0, 8), name }))
}
