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
 * What became of a deed. The row of a deed that loses or reveals something is written before it. A second row
 * of the same request says that it failed, or which command it queued (docs/audit.md).
 */
export function outcomeWords(row: Row, rows: readonly Row[]): string {
  const later =
    row.outcome === 'asked' && row.request_id !== null
      ? rows.filter((one) => one.request_id === row.request_id && one.outcome !== 'asked')
      : []
  const failed = later.find((one) => one.outcome.startsWith(ANSWERED))
  const { outcome } = failed ?? later[0] ?? row
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
