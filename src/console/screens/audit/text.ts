/** Sentences of the audit. */

export const WHAT =
  'Each change, and each secret that was shown. To check that no row was changed or taken out:'

export const SCOPES = [
  ['secrets', 'Secrets shown'],
  ['destructive', 'Destructive'],
  ['command', 'Commands'],
  ['enroll', 'Enrolment'],
  ['config', 'Settings of the fleet'],
  ['backup', 'Exports'],
  ['admin', 'Keys and sessions'],
] as const

export function outcomeWords(outcome: string): string {
  return outcome === 'done' ? 'Done' : outcome === 'asked' ? 'Asked' : outcome
}
