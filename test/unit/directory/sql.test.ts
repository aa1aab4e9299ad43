import { getTableColumns, getTableName } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { DEVICE_KEYS } from '../../../src/directory/devices/rows.ts'
import * as schema from '../../../src/directory/schema.ts'
import { allOf, among, anyOf, insert, named, select, Sql, sql } from '../../../src/directory/sql.ts'

const HOSTILE = "'); DROP TABLE devices; --"

describe('a statement', () => {
  it('binds every value, in the order of the text', () => {
    const part = sql`b = ${2} AND c = ${null}`
    const { text, values } = sql`SELECT ${HOSTILE} WHERE ${part} OR d = ${'4'}`
    expect(text).toBe('SELECT ? WHERE b = ? AND c = ? OR d = ?')
    expect(values).toEqual([HOSTILE, 2, null, '4'])
  })

  it('binds an object that only looks like a part of a statement', () => {
    const posed: unknown = JSON.parse(JSON.stringify(sql`DROP TABLE devices`))
    const { text, values } = sql`SELECT ${posed as Sql}`
    expect(text).toBe('SELECT ?')
    expect(values).toEqual([posed])
  })

  it('binds the values of a list as one', () => {
    const { text, values } = among([HOSTILE, 'b'])
    expect(text).toBe('(SELECT value FROM json_each(?))')
    expect(values).toEqual([JSON.stringify([HOSTILE, 'b'])])
  })

  it('keeps conditions apart', () => {
    const either = anyOf([sql`a = ${1}`, sql`b = ${2}`])
    expect(allOf(either, undefined, sql`c = ${3}`)).toEqual(
      new Sql('1 AND (a = ? OR b = ?) AND c = ?', [1, 2, 3]),
    )
  })

  it('reads columns and expressions by the names of their keys', () => {
    const query = select('knownSerials', ['serial', 'addedAt'], sql`WHERE serial = ${'S'}`, {
      size: sql<number>`${1} + 1`,
    })
    expect(query.text).toBe(
      'SELECT serial AS serial, added_at AS addedAt, ? + 1 AS size FROM known_serials WHERE serial = ?',
    )
    expect(query.values).toEqual([1, 'S'])
  })

  it('inserts a row by its columns', () => {
    const { text, values } = insert(
      'moments',
      { name: HOSTILE, at: 1 },
      sql`ON CONFLICT DO NOTHING`,
    )
    expect(text).toBe('INSERT INTO moments (name, at) VALUES (?, ?) ON CONFLICT DO NOTHING')
    expect(values).toEqual([HOSTILE, 1])
  })
})

it.each(Object.entries(schema))('the names of the table %s follow from its keys', (name, table) => {
  const columns = Object.entries(getTableColumns(table))
  expect(columns.map(([, column]) => column.name)).toEqual(columns.map(([key]) => named(key).text))
  expect(getTableName(table)).toBe(named(name).text)
})

it('the directory writes all columns of a device but the one that D1 computes', () => {
  const columns = Object.keys(getTableColumns(schema.devices))
  expect(columns.filter((key) => key !== 'serialStanding')).toEqual([...DEVICE_KEYS])
})
