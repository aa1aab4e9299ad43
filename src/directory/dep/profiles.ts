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
  /** It rises with each content of the name. */
  readonly version: number
}

const ROW = sql`SELECT uuid, account, name, profile, defined_at AS definedAt, replaced_at AS replacedAt,
  version FROM dep_profiles`

/**
 * Stores a profile that Apple has defined, in place of the one of its name.
 *
 * @throws Error, and stores nothing, if that one’s version is not `ifVersion` (0: there has to be none)
 */
export async function storeDepProfile(
  d1: D1Database,
  { uuid, account, name, profile, definedAt }: Omit<DepProfileRow, 'replacedAt' | 'version'>,
  ifVersion?: number,
): Promise<void> {
  const ofName = sql`SELECT max(version) FROM dep_profiles WHERE account = ${account} AND name = ${name}`
  const isWanted =
    ifVersion === undefined
      ? sql`1`
      : sql`coalesce((${ofName} AND replaced_at = 0), 0) = ${ifVersion}`
  await writeAll(d1, [
    // First, before it is known which one is present. The column takes no NULL, so that the transaction ends.
    sql`INSERT INTO dep_profiles (uuid, account, name, profile, defined_at, version)
      SELECT ${uuid}, ${account}, ${name}, ${profile}, ${definedAt},
        CASE WHEN ${isWanted} THEN coalesce((${ofName}), 0) + 1 END WHERE 1
      ON CONFLICT (uuid) DO UPDATE SET account = excluded.account, name = excluded.name,
        profile = excluded.profile, defined_at = excluded.defined_at, replaced_at = 0,
        version = excluded.version`,
    sql`UPDATE dep_profiles SET replaced_at = ${definedAt}
      WHERE account = ${account} AND name = ${name} AND replaced_at = 0 AND uuid <> ${uuid}`,
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
