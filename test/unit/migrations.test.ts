import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { unstable_readConfig } from 'wrangler'

const PROJECT = join(import.meta.dirname, '../..')
const MIGRATIONS = globSync(join(PROJECT, 'migrations/directory/*.sql')).toSorted()
/** The last one before the first release. No code that runs anywhere met what it took away. */
const BEFORE_RELEASES = '0006_dep_and_blueprints.sql'
/** D1's endpoint for migrations has refused longer files (github.com/cloudflare/workers-sdk, issue 15178). */
const MAX_BYTES = 10_000
/** D1 makes the transaction itself, and cuts triggers at their semicolons. */
const REFUSED =
  /\b(?:CREATE\s+(?:TEMP\s+)?TRIGGER|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|ATTACH|VACUUM)\b/i
/** It only adds: the release before runs on, and a rollback finds all that it knows. */
const EXPANDS = [
  /^CREATE TABLE /,
  /^CREATE (?:UNIQUE )?INDEX /,
  /^ALTER TABLE \S+ ADD (?!.*\bUNIQUE\b)/,
]

function statementsOf(sql: string): string[] {
  return sql
    .split('--> statement-breakpoint')
    .map((statement) => statement.replaceAll(/^\s*--.*$/gm, '').trim())
    .filter((statement) => statement !== '')
}

const takenAway = (sql: string): string[] =>
  statementsOf(sql).filter((statement) => !EXPANDS.some((form) => form.test(statement)))

it('a migration passes D1’s endpoint: it is short, and has no trigger and no transaction', () => {
  expect(MIGRATIONS.length).toBeGreaterThan(0)
  for (const file of MIGRATIONS) {
    const sql = readFileSync(file, 'utf8')
    expect(Buffer.byteLength(sql), file).toBeLessThan(MAX_BYTES)
    expect(sql, file).not.toMatch(REFUSED)
  }
  expect('CREATE TRIGGER t AFTER INSERT ON x BEGIN SELECT 1; END').toMatch(REFUSED)
})

it('a migration since the first release only adds tables, columns and indexes', () => {
  expect(MIGRATIONS.map((file) => basename(file))).toContain(BEFORE_RELEASES)
  const since = MIGRATIONS.filter((file) => basename(file) > BEFORE_RELEASES)
  expect(since.flatMap((file) => takenAway(readFileSync(file, 'utf8')))).toEqual([])
  const adding =
    'CREATE TABLE `a` (`b` text);\n--> statement-breakpoint\nALTER TABLE `a` ADD `c` text;'
  expect(takenAway(adding)).toEqual([])
  const taking = ['ALTER TABLE `a` DROP COLUMN `c`;', 'DROP TABLE `a`;', 'UPDATE `a` SET `c` = 1;']
  expect(taking.flatMap(takenAway)).toEqual(taking)
})

it('each class of objects has SQLite: a class keeps for ever the storage that it began with', () => {
  const file = join(PROJECT, 'wrangler.toml')
  const config = unstable_readConfig({ config: file }, { hideWarnings: true })
  const classes: string[] = config.durable_objects.bindings.map(
    (binding: { class_name: string }) => binding.class_name,
  )
  expect(classes).toContain('Device')
  const living = Object.entries(Object(config.exports)).filter(
    ([, value]) => Object(value).state !== 'deleted',
  )
  const sqlite = { type: 'durable-object', storage: 'sqlite' }
  expect(living).toEqual(classes.map((name) => [name, sqlite]))
})
