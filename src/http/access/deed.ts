import type { AuditEntry } from '../../keys/audit-row.ts'

/** What the audit will have of a request. */
export interface Deed {
  readonly action: string
  readonly scope: AuditEntry['scope']
  readonly via: AuditEntry['via']
  readonly target: AuditEntry['target']
  readonly detail: NonNullable<AuditEntry['detail']>
  /** Whether a row was written before the deed. */
  readonly isWritten: boolean
  /** A request that only shows what would happen leaves no row. */
  readonly isTrial: boolean
}
