import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { expect, it } from 'vitest'
import { entries } from '../../../migrations/directory/meta/_journal.json'
import * as blueprints from '../../../src/directory/blueprints/schema.ts'
import * as declarations from '../../../src/directory/declarations/schema.ts'
import * as dep from '../../../src/directory/dep/schema.ts'
import { SEALED_COLUMNS } from '../../../src/directory/health/sealed.ts'
import * as main from '../../../src/directory/schema.ts'

const MIGRATIONS = join(import.meta.dirname, '../../../migrations/directory/*.sql')

it('the migrations that the Worker expects are the files', () => {
  const files = globSync(MIGRATIONS).map((file) => basename(file, '.sql'))
  expect(entries.map(({ tag }) => tag)).toEqual(files.toSorted())
})

/** Bytes that are no secret: certificates. */
const PLAIN = new Set(['certificate', 'der'])

it('each column of bytes is known as sealed or as no secret', () => {
  const tables = Object.values({ ...main, ...declarations, ...dep, ...blueprints })
  const sealed = tables
    .filter((table) => table instanceof SQLiteTable)
    .map((table) => getTableConfig(table))
    .flatMap(({ name: table, columns }) =>
      columns
        .filter((column) => column.getSQLType() === 'blob' && !PLAIN.has(column.name))
        .map(({ name }) => `${table}.${name}`),
    )
  const known = SEALED_COLUMNS.map(([table, column]) => `${table}.${column}`)
  expect(known.toSorted()).toEqual(sealed.toSorted())
})
