import { entries } from '../../../migrations/directory/meta/_journal.json'
import { clock } from '../../clock.ts'
import { reasonOf } from '../../reason.ts'
import type * as blueprints from '../blueprints/schema.ts'
import type * as declarations from '../declarations/schema.ts'
import type * as dep from '../dep/schema.ts'
import type * as main from '../schema.ts'
import { named, readAll, sql, writeAll } from '../sql.ts'
import type * as updates from '../updates/schema.ts'

type Schema = typeof main & typeof declarations & typeof updates & typeof dep & typeof blueprints

/** The tables of the schema, as the compiler holds. */
const TABLES: Readonly<Record<keyof Schema, true>> = {
  authorities: true,
  blueprintVersions: true,
  blueprints: true,
  certificates: true,
  challenges: true,
  declarationCatalog: true,
  declarationChanges: true,
  declarationChannels: true,
  declarationFileParts: true,
  declarationFiles: true,
  declarationSets: true,
  declarationStates: true,
  declarationVersions: true,
  declarations: true,
  depAccounts: true,
  depDevices: true,
  depKeys: true,
  depProfiles: true,
  devices: true,
  enrollmentSets: true,
  identities: true,
  invitations: true,
  jobs: true,
  knownSerials: true,
  moments: true,
  moveItems: true,
  moves: true,
  osVersions: true,
  profiles: true,
  setRules: true,
  setVersions: true,
  setupUsers: true,
  softwareUpdates: true,
  users: true,
  webhooks: true,
}

const JOURNAL = 'd1_migrations'

/** How D1 is. */
export interface DirectoryCondition {
  /** Migrations of this release that were not applied, and applied ones that it does not know. */
  readonly missing: readonly string[]
  readonly unknown: readonly string[]
  readonly missingTables: readonly string[]
  /** Why D1 takes no write; empty if it does. */
  readonly refusal: string
  /** 0 if it is not known. */
  readonly bytes: number
  /** How long a short read took (milliseconds). */
  readonly latency: number
}

/** Reads what wrangler and the migrations have written, and writes a row that the same batch deletes. */
export async function directoryCondition(d1: D1Database): Promise<DirectoryCondition> {
  const began = clock.now()
  const found = await namesOf(d1, 'sqlite_master')
  const latency = clock.now() - began
  const applied = found.has(JOURNAL) ? await namesOf(d1, JOURNAL) : new Set<string>()
  const own = entries.map(({ tag }) => `${tag}.sql`)
  const tables = Object.keys(TABLES).map((key) => named(key).text)
  return {
    missing: own.filter((name) => !applied.has(name)),
    unknown: [...applied].filter((name) => !own.includes(name)),
    missingTables: tables.filter((name) => !found.has(name)),
    ...(await tryWrite(d1)),
    latency,
  }
}

async function namesOf(d1: D1Database, table: string): Promise<ReadonlySet<string>> {
  const rows = await readAll(d1, sql<{ name: string }>`SELECT name FROM ${named(table)}`)
  return new Set(rows.map(({ name }) => name))
}

async function tryWrite(d1: D1Database): Promise<Pick<DirectoryCondition, 'refusal' | 'bytes'>> {
  const name = `health ${crypto.randomUUID()}`
  try {
    const [, { meta }] = await writeAll(d1, [
      sql`INSERT INTO moments (name, at) VALUES (${name}, 0)`,
      sql`DELETE FROM moments WHERE name = ${name}`,
    ])
    return { refusal: '', bytes: meta.size_after }
  } catch (error) {
    return { refusal: reasonOf(error), bytes: 0 }
  }
}
