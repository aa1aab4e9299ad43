import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { pendingMigrations } from '../../../../src/cli/start/migrations.ts'

const ALL = [{ name: '0001_one.sql' }, { name: '0002_two.sql' }]

/** Miniflare's directory with databases of D1 in it. */
async function directoryWith(...databases: readonly (readonly string[])[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'edgemdm-test-'))
  const folder = join(directory, 'd1/miniflare-D1DatabaseObject')
  await mkdir(folder, { recursive: true })
  new DatabaseSync(join(folder, 'metadata.sqlite')).close()
  databases.forEach((statements, n) => {
    const database = new DatabaseSync(join(folder, `a${n}.sqlite`))
    statements.forEach((statement) => database.exec(statement))
    database.close()
  })
  return directory
}

const TABLE = 'CREATE TABLE d1_migrations (name TEXT)'
const ONE = "INSERT INTO d1_migrations VALUES ('0001_one.sql')"

it('only migrations are pending that the state does not have', async () => {
  expect(pendingMigrations(await directoryWith([TABLE, ONE]), ALL)).toEqual([ALL[1]])
})

it('all are pending for a new state, one without the table, and one with two databases', async () => {
  const states = [
    await directoryWith(),
    await directoryWith([]),
    await directoryWith([TABLE, ONE], []),
  ]
  for (const state of [...states, '/nowhere']) {
    expect(pendingMigrations(state, ALL)).toEqual(ALL)
  }
})
