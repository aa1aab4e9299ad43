import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { migrateDatabase, type Migration } from '../../../../src/cli/start/migrations.ts'

const ONE = {
  name: '0001_one.sql',
  statements: ['CREATE TABLE one (n)', 'INSERT INTO one VALUES (1)'],
}
const TWO = { name: '0002_two.sql', statements: ['CREATE TABLE two (n)'] }
const BROKEN = { name: '0003_broken.sql', statements: ['CREATE TABLE three (n)', 'NO SQL'] }
/** The file that Miniflare opens for the id DB. */
const FILE =
  'd1/miniflare-D1DatabaseObject/e7352547963de7050bd7d94658afc4fe78b61811b7815da12d90be8e863abf4d.sqlite'

const newDirectory = () => mkdtemp(join(tmpdir(), 'edgemdm-test-'))
const migrate = (directory: string, ...migrations: readonly Migration[]) =>
  migrateDatabase(directory, 'DB', migrations)

function rowsOf(directory: string, sql: string) {
  const database = new DatabaseSync(join(directory, FILE), { readOnly: true })
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

it('each migration is applied once, and noted as wrangler does', async () => {
  const directory = await newDirectory()
  migrate(directory, ONE)
  migrate(directory, ONE, TWO)
  migrate(directory, ONE, TWO)
  expect(rowsOf(directory, 'SELECT * FROM one')).toHaveLength(1)
  expect(rowsOf(directory, 'SELECT id, name FROM d1_migrations')).toEqual([
    { id: 1, name: ONE.name },
    { id: 2, name: TWO.name },
  ])
})

it('a migration that fails leaves nothing, and is tried again', async () => {
  const directory = await newDirectory()
  for (let runs = 0; runs < 2; runs++) {
    expect(() => migrate(directory, ONE, BROKEN)).toThrow(
      `${FILE}: ${BROKEN.name}: near "NO": syntax error`,
    )
  }
  expect(rowsOf(directory, 'SELECT name FROM d1_migrations')).toEqual([{ name: ONE.name }])
  expect(() => rowsOf(directory, 'SELECT * FROM three')).toThrow('no such table')
})

it('a migration that finds the disk full is taken back, and the error says so', async () => {
  const directory = await newDirectory()
  const filling = {
    name: '0002_filling.sql',
    statements: [
      'PRAGMA max_page_count = 10',
      'CREATE TABLE two (bytes)',
      'INSERT INTO two VALUES (zeroblob(100000))',
    ],
  }
  expect(() => migrate(directory, ONE, filling)).toThrow('the disk is full: free some space')
  expect(rowsOf(directory, 'SELECT name FROM d1_migrations')).toEqual([{ name: ONE.name }])
  migrate(directory, ONE, TWO)
})

it('a file that is no database is named', async () => {
  const directory = await newDirectory()
  migrate(directory)
  await writeFile(join(directory, FILE), 'no database')
  const refusal = `cannot migrate ${join(directory, FILE)}: file is not a database`
  expect(() => migrate(directory, ONE)).toThrow(refusal)
})
