import type { Scope } from '../../api/session.ts'

/** Sentences of the settings. */

export const SCOPE_WORDS: Readonly<Record<Scope, string>> = {
  read: 'see devices, results, settings and the audit',
  command: 'send commands that lose no data',
  destructive: 'erase, lock, and end the management',
  enroll: 'invite devices',
  config: 'change webhooks, profiles, declarations and blueprints',
  secrets: 'reveal tokens, PINs and passwords',
  backup: 'export the whole server',
  metrics: 'read /metrics and /readyz',
  admin: 'make and revoke keys',
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a table of scopes
export const SCOPES = Object.keys(SCOPE_WORDS) as readonly Scope[]

export const ENDS = [
  ['30d', 'in 30 days'],
  ['90d', 'in 90 days'],
  ['365d', 'in a year'],
  ['never', 'never'],
] as const

export const SHOWN_ONCE =
  'Copy the key now. The server keeps only a hash of it, so it can never be shown again.'

/** When the present secret of a key ends after a roll. */
export const OVERLAPS = [
  ['1h', 'in an hour'],
  ['1d', 'in a day'],
  ['7d', 'in 7 days'],
  ['0s', 'at once: it has leaked'],
] as const

export const ROLLING =
  'The key keeps its name and its scopes, and gets a new secret. The present one works on for a while, so ' +
  'that you can put the new one in its place. Sessions that began with it end with it.'

export const ROLLING_OWN = 'You signed in with this key: you are signed out when the secret ends.'

export const ROLLING_EXPIRED = 'The key has ended, so its present secret stays without use.'

export const PERSON_HINT =
  'As Cloudflare Access has it. The person needs no key: signing in at Access is enough.'

export const REVOKING_PERSON =
  'This person is signed out within 30 seconds, and may do nothing here until the address is added again.'

export const NO_KEY_YET =
  'Only the bootstrap key API_KEY opens this server. Make a key with fewer rights for each program.'

export const REVOKING =
  'The key and all sessions that were opened with it end within 30 seconds. This cannot be undone: ' +
  'programs that use the key get 401.'

export const SEAL_PLACES = {
  secret: 'a secret of the Worker',
  control: 'in the object Control: move it by npm run keys -- to-secrets',
} as const
