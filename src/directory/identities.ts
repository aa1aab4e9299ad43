/** The owners of certificates: the enrolments that have claimed them. */
import { eq, type SQL, sql } from 'drizzle-orm'
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1'
import { jsonOf } from './prepared.ts'
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

/** A certificate that another server had bound to a device. */
export interface MovedCertificate {
  readonly fingerprint: string
  readonly device: string
}

/** Claims certificates for the devices that they were bound to. @returns the owner of each */
export async function claimMoved(
  d1: D1Database,
  bound: readonly MovedCertificate[],
): Promise<ReadonlyMap<string, string>> {
  const db = drizzle(d1)
  const listed = sql`json_each(${jsonOf(bound)}) AS listed`
  const [, owners] = await db.batch([
    claimQuery(db, sql`SELECT ${of('fingerprint')}, ${of('device')} FROM ${listed} WHERE true`),
    db
      .select({ fingerprint, enrollment })
      .from(identities)
      .where(sql`${fingerprint} IN (SELECT ${of('fingerprint')} FROM ${listed})`),
  ])
  return new Map(owners.map((row) => [row.fingerprint, row.enrollment]))
}

function of(key: string): SQL {
  return sql.raw(`listed.value ->> '${key}'`)
}
