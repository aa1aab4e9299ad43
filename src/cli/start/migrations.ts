import { createHash, createHmac } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CliError, hindranceOf, messageOf } from '../error.ts'

/** The class of Miniflare whose objects are the databases of D1. */
const D1_CLASS = 'miniflare-D1DatabaseObject'

/**
 * The table in which `wrangler d1 migrations apply` notes the migrations that it has applied, so that
 * either program may follow the other.
 */
export const APPLIED = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`

export interface Migration {
  readonly name: string
  readonly statements: readonly string[]
}

/**
 * Applies the migrations that the database lacks, before workerd opens it. Miniflare's own calls of D1 start
 * a thread, which takes a third of the CPU of a first start, and block this one until workerd answers.
 *
 * @param directory Miniflare's
 * @param id of the database
 * @param migrations in the order of their names
 * @throws CliError
 */
export function migrateDatabase(
  directory: string,
  id: string,
  migrations: readonly Migration[],
): void {
  const folder = join(directory, 'd1', D1_CLASS)
  const file = join(folder, `${objectId(D1_CLASS, id)}.sqlite`)
  let database: DatabaseSync | undefined
  let place = file
  try {
    mkdirSync(folder, { recursive: true })
    database = new DatabaseSync(file)
    database.exec(APPLIED)
    const rows = database.prepare('SELECT name FROM d1_migrations').all()
    const applied = new Set(rows.map(({ name }) => name))
    for (const migration of migrations.filter(({ name }) => !applied.has(name))) {
      place = `${file}: ${migration.name}`
      apply(database, migration)
    }
  } catch (error) {
    throw new CliError(`cannot migrate ${place}: ${hindranceOf(error) ?? messageOf(error)}`)
  } finally {
    // It takes a migration back that failed.
    database?.close()
  }
}

/** In one transaction: a migration is applied and noted, or neither. */
function apply(database: DatabaseSync, { name, statements }: Migration): void {
  database.exec('BEGIN')
  statements.forEach((statement) => database.exec(statement))
  database.prepare('INSERT INTO d1_migrations (name) VALUES (?)').run(name)
  database.exec('COMMIT')
}

/** As workerd computes the id of an object from its name, and names the object's file. */
function objectId(uniqueKey: string, name: string): string {
  const key = createHash('sha256').update(uniqueKey).digest()
  const hmac = (data: string | Buffer): Buffer =>
    createHmac('sha256', key).update(data).digest().subarray(0, 16)
  const start = hmac(name)
  return Buffer.concat([start, hmac(start)]).toString('hex')
}
