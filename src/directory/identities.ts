/** The owners of certificates: the enrolments that have claimed them. */
import { jsonOf, listedValue, readOne, select, type Sql, sql, writeAll } from './sql.ts'

/** The enrolment that has claimed a certificate. */
export async function ownerOf(d1: D1Database, certificate: string): Promise<string | undefined> {
  return (await readOne(d1, ownerQuery(certificate)))?.enrollment
}

/** {@link ownerOf} as a part of a batch. */
export function ownerQuery(certificate: string) {
  return select('identities', ['enrollment'], sql`WHERE fingerprint = ${certificate}`)
}

/** {@link ownerOf} as a value of a query. */
export function ownerValue(certificate: Sql): Sql<string | null> {
  return sql`(SELECT enrollment FROM identities WHERE fingerprint = ${certificate})`
}

/** Claims certificates for enrolments, unless they are claimed. `claims` selects both, in this order. */
export function claimQuery(claims: Sql): Sql {
  return sql`INSERT INTO identities (fingerprint, enrollment) ${claims} ON CONFLICT DO NOTHING`
}

/** Whether a certificate is claimed: by `owner`, or by any enrolment if there is no `owner`. */
export function isClaimed(certificate: Sql | string, owner?: Sql): Sql {
  const byOwner = owner ? sql` AND enrollment = ${owner}` : sql``
  return sql`EXISTS (SELECT 1 FROM identities WHERE identities.fingerprint = ${certificate}${byOwner})`
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
  const listed = sql`json_each(${jsonOf(bound)}) AS listed`
  const fingerprint = listedValue('fingerprint')
  const [, owners] = await writeAll(d1, [
    claimQuery(sql`SELECT ${fingerprint}, ${listedValue('device')} FROM ${listed} WHERE true`),
    select(
      'identities',
      ['fingerprint', 'enrollment'],
      sql`WHERE fingerprint IN (SELECT ${fingerprint} FROM ${listed})`,
    ),
  ])
  return new Map(owners.results.map((row) => [row.fingerprint, row.enrollment]))
}
