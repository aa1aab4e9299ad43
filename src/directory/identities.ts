/** The owners of certificates: the enrolments that have claimed them. */
import { eq, type SQL, sql } from 'drizzle-orm'
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1'
import { identities } from './schema.ts'

const { fingerprint, enrollment } = identities

/** The enrolment that has claimed a certificate. */
export async function ownerOf(d1: D1Database, certificate: string): Promise<string | undefined> {
  const [row] = await ownerQuery(drizzle(d1), certificate)
  return row?.enrollment
}

/** {@link ownerOf} as a part of a batch. */
export function ownerQuery(db: DrizzleD1Database, certificate: string) {
  return db.select({ enrollment }).from(identities).where(eq(fingerprint, certificate))
}

/** {@link ownerOf} as a value of a query. */
export function ownerValue(certificate: SQL): SQL {
  return sql`(SELECT ${enrollment} FROM ${identities} WHERE ${fingerprint} = ${certificate})`
}

/** Claims certificates for enrolments, unless they are claimed. `claims` selects both, in this order. */
export function claimQuery(db: DrizzleD1Database, claims: SQL) {
  return db.insert(identities).select(claims).onConflictDoNothing()
}

/** Whether a certificate is claimed: by `owner`, or by any enrolment if there is no `owner`. */
export function isClaimed(certificate: unknown, owner?: SQL): SQL {
  const byOwner = owner === undefined ? sql`` : sql` AND ${enrollment} = ${owner}`
  return sql`EXISTS (SELECT 1 FROM ${identities} WHERE ${fingerprint} = ${certificate}${byOwner})`
}
