import { inTime } from '../clock.ts'
import { auditFacts, type AuditEntry } from '../keys/audit-row.ts'
import { OwnError } from '../reason.ts'
import { monthOf, objectNameOf } from './months.ts'
import type { Audit } from './object.ts'

/** The objects of the audit as their callers see them, over RPC. */
export interface AuditNamespace {
  readonly AUDIT: { getByName(name: string): Omit<Audit, 'alarm'> }
}

/** The longest call of a month's object. */
const PATIENCE = 10_000
/** A clock that went back leads to a closed month, and from there on. */
const MOST_MOVES = 10

/**
 * Adds a row to the audit: before the deed, or after it.
 *
 * @param now the time of the deed (milliseconds)
 * @throws when the row could not be written
 */
export async function writeAudit(
  env: AuditNamespace,
  entry: AuditEntry,
  now: number,
): Promise<void> {
  // Cut before the call: a call takes 32 MiB at most.
  const facts = auditFacts(entry)
  let month = monthOf(now)
  for (let moves = 0; moves <= MOST_MOVES; moves++) {
    const answer = await inTime(
      PATIENCE,
      env.AUDIT.getByName(objectNameOf(month)).append(facts, now),
    )
    if (answer.kind === 'appended') {
      return
    }
    month = answer.to
  }
  throw new OwnError(
    `the audit of ${month} takes no more rows: compare the clock with the real time`,
  )
}
