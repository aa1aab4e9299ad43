import type { AuditEntry } from '../../keys/audit-row.ts'

/** What the audit will have of a request. */
export interface Deed {
  readonly action: string
  readonly scope: AuditEntry['scope']
  readonly via: AuditEntry['via']
  readonly target: AuditEntry['target']
  readonly detail: NonNullable<AuditEntry['detail']>
  /** Whether it has a row. */
  readonly isWritten: boolean
  /** Whether that row was written before the deed, and none after it. */
  readonly isAsked?: boolean
  /** A request that only shows what would happen leaves no row. */
  readonly isTrial: boolean
}
