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

/** {@link ownerOf} as a part of a batch, with a value beside it. */
export function ownerQuery(db: DrizzleD1Database, certificate: string, beside = sql<number>`0`) {
  // With a name: a batch reads the columns in the order of an object's keys, where `0` comes first.
  return db
    .select({ enrollment, beside: beside.as('beside') })
    .from(identities)
    .where(eq(fingerprint, certificate))
}

/** Claims a certificate for an enrolment, as a part of a batch, unless it is claimed already. */
export function claimQuery(
  db: DrizzleD1Database,
  certificate: string,
  owner: string,
  condition: SQL,
) {
  return db
    .insert(identities)
    .select(sql`SELECT ${certificate}, ${owner} WHERE ${condition}`)
    .onConflictDoNothing()
}

/** Whether a certificate is claimed: by `owner`, or by any enrolment if there is no `owner`. */
export function isClaimed(certificate: unknown, owner?: string): SQL {
  const byOwner = owner === undefined ? sql`` : sql` AND ${enrollment} = ${owner}`
  return sql`EXISTS (SELECT 1 FROM ${identities} WHERE ${fingerprint} = ${certificate}${byOwner})`
}
