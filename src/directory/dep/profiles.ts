/** The only SQL on `dep_profiles`: profiles that were defined at Apple. */
import { readAll, readOne, sql, writeAll } from '../sql.ts'

/** A profile at Apple. Times are milliseconds. */
export interface DepProfileRow {
  readonly uuid: string
  readonly account: string
  readonly name: string
  /** JSON, as it was sent to Apple. */
  readonly profile: string
  readonly definedAt: number
  /** When another one of its name took its place; 0 for the present one. */
  readonly replacedAt: number
}

const ROW = sql`SELECT uuid, account, name, profile, defined_at AS definedAt, replaced_at AS replacedAt
  FROM dep_profiles`

/** Stores a profile that Apple has defined, in place of the one of its name. */
export async function storeDepProfile(
  d1: D1Database,
  { uuid, account, name, profile, definedAt }: Omit<DepProfileRow, 'replacedAt'>,
): Promise<void> {
  await writeAll(d1, [
    sql`UPDATE dep_profiles SET replaced_at = ${definedAt}
      WHERE account = ${account} AND name = ${name} AND replaced_at = 0 AND uuid <> ${uuid}`,
    sql`INSERT OR REPLACE INTO dep_profiles (uuid, account, name, profile, defined_at)
      VALUES (${uuid}, ${account}, ${name}, ${profile}, ${definedAt})`,
  ])
}

export function findDepProfile(d1: D1Database, uuid: string): Promise<DepProfileRow | undefined> {
  return readOne(d1, sql<DepProfileRow>`${ROW} WHERE uuid = ${uuid}`)
}

/** The profile that has this name now. */
export function depProfileNamed(
  d1: D1Database,
  account: string,
  name: string,
): Promise<DepProfileRow | undefined> {
  const named = sql<DepProfileRow>`${ROW}
    WHERE account = ${account} AND name = ${name} AND replaced_at = 0`
  return readOne(d1, named)
}

/** The profiles of an account, the newest first. @param all also those that were replaced */
export function listDepProfiles(
  d1: D1Database,
  account: string,
  { all = false } = {},
): Promise<readonly DepProfileRow[]> {
  return readAll(
    d1,
    sql<DepProfileRow>`${ROW} WHERE account = ${account} AND (${Number(all)} OR replaced_at = 0)
      ORDER BY defined_at DESC, uuid`,
  )
}

/** The profile that takes the place of each of an account's profiles: itself, if it is present. */
export async function presentProfiles(
  d1: D1Database,
  account: string,
): Promise<readonly { readonly uuid: string; readonly name: string; readonly present: string }[]> {
  return readAll(
    d1,
    sql<{ uuid: string; name: string; present: string }>`
      SELECT old.uuid, old.name, coalesce(new.uuid, old.uuid) AS present FROM dep_profiles AS old
      LEFT JOIN dep_profiles AS new
        ON new.account = old.account AND new.name = old.name AND new.replaced_at = 0
      WHERE old.account = ${account}`,
  )
}
