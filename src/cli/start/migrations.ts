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

/** @param migrations in the order of their names */
export async function applyMigrations(
  database: Database,
  migrations: readonly Migration[],
): Promise<void> {
  await database.prepare(APPLIED).run()
  const { results } = await database
    .prepare('SELECT name FROM d1_migrations')
    .all<{ name: string }>()
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
