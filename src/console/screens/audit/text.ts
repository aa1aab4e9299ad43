/** Sentences of the audit. */
import type { Schema } from '../../api/types.ts'

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

type Row = Pick<Schema<'AuditEntry'>, 'outcome' | 'request_id'>

/**
 * What became of a deed. The row of a deed that loses or reveals something is written before it; only if the
 * deed then fails, a second row of the same request says so (docs/audit.md).
 */
export function outcomeWords(row: Row, rows: readonly Row[]): string {
  const failed =
    row.outcome === 'asked' && row.request_id !== null
      ? rows.find((one) => one.request_id === row.request_id && one.outcome.startsWith(ANSWERED))
      : row
  const { outcome } = failed ?? row
  if (outcome.startsWith(ANSWERED)) {
    const status = outcome.slice(ANSWERED.length)
    return Number(status) < 500
      ? `Did not happen (${status})`
      : `Failed, perhaps in part (${status})`
  }
  return OUTCOMES[outcome] ?? outcome
}

const ANSWERED = 'answered '
const OUTCOMES: Readonly<Record<string, string>> = {
  done: 'Done',
  asked: 'No failure noted',
}
