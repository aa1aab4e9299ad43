/** The only SQL on `os_versions`. */
import type { OsRelease } from '../../ddm/updates/version.ts'
import { readOne, sql, write } from '../sql.ts'

export interface OsVersions {
  /** Where the list is fetched each day; empty for an uploaded one. */
  readonly url: string
  readonly releases: readonly OsRelease[]
  /** When the list came, and when it was last asked for (milliseconds); 0 for never. */
  readonly fetchedAt: number
  readonly triedAt: number
  /** Why it could not be fetched then; empty if it could. */
  readonly error: string
}

const NO_VERSIONS: OsVersions = { url: '', releases: [], fetchedAt: 0, triedAt: 0, error: '' }

/** The list of OS versions; without releases until there is one. */
export async function readOsVersions(d1: D1Database): Promise<OsVersions> {
  const row = await readOne(
    d1,
    sql<Omit<OsVersions, 'releases'> & { readonly releases: string }>`
      SELECT url, releases, fetched_at AS fetchedAt, tried_at AS triedAt, error FROM os_versions
      WHERE id = 1`,
  )
  return row ? { ...row, releases: JSON.parse(row.releases) } : NO_VERSIONS
}

/** Models are left out: they are the most of Apple's list, and no target depends on them. */
export async function storeOsVersions(d1: D1Database, versions: OsVersions): Promise<void> {
  const { url, releases, fetchedAt, triedAt, error } = versions
  const kept = new Set(releases.map((release) => JSON.stringify({ ...release, devices: [] })))
  await write(
    d1,
    sql`INSERT OR REPLACE INTO os_versions (id, url, releases, fetched_at, tried_at, error)
      VALUES (1, ${url}, ${`[${[...kept].join(',')}]`}, ${fetchedAt}, ${triedAt}, ${error})`,
  )
}
