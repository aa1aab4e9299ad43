import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Miniflare } from 'miniflare'

type Database = Awaited<ReturnType<Miniflare['getD1Database']>>

/**
 * The table in which `wrangler d1 migrations apply` notes the migrations that it has applied, so that
 * either program may follow the other.
 */
const APPLIED = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

export interface Migration {
  readonly name: string
  readonly statements: readonly string[]
}

const NAMES = 'SELECT name FROM d1_migrations'
/** The file of the database, in Miniflare's directory. */
const FILES = 'd1/miniflare-D1DatabaseObject/[0-9a-f]*.sqlite'

/**
 * Those that the state of an earlier start lacks. Read before workerd starts: Miniflare's calls of D1 block
 * this thread until workerd answers. When many devices call as soon as workerd runs, its log fills the pipe
 * that this thread reads, and then neither goes on.
 */
export function pendingMigrations<One extends Pick<Migration, 'name'>>(
  directory: string,
  migrations: readonly One[],
): readonly One[] {
  const [file, ...others] = existsSync(directory) ? globSync(FILES, { cwd: directory }) : []
  if (file === undefined || others.length > 0) {
    return migrations
  }
  const database = new DatabaseSync(join(directory, file), { readOnly: true })
  try {
    const applied = new Set(
      database
        .prepare(NAMES)
        .all()
        .map(({ name }) => name),
    )
    return migrations.filter(({ name }) => !applied.has(name))
  } catch {
    // The start before ended before it made the table.
    return migrations
  } finally {
    database.close()
  }
}

/** @param migrations in the order of their names */
export async function applyMigrations(
  database: Database,
  migrations: readonly Migration[],
): Promise<void> {
  await database.prepare(APPLIED).run()
  const { results } = await database.prepare(NAMES).all<{ name: string }>()
  const applied = new Set(results.map(({ name }) => name))
  for (const { name, statements } of migrations.filter(
    (migration) => !applied.has(migration.name),
  )) {
    // One batch is one transaction: a migration is applied and noted, or neither.
    await database.batch([
      ...statements.map((statement) => database.prepare(statement)),
      database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
    ])
  }
}
