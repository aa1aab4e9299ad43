/** Sealed values of D1, by the keys that sealed them. */
import { Buffer } from 'node:buffer'
import { keyOfSealed } from '../../pki/seal/seal.ts'
import { named, readAll, Sql, sql } from '../sql.ts'

/** How many values of a place a key has sealed. */
export interface SealedWith {
  readonly place: string
  /** The id of the key. */
  readonly key: string
  readonly count: number
}

/** A test compares it with the schema. Only the first part of a long value names its key. */
export const SEALED_COLUMNS: readonly (readonly [table: string, column: string, where?: string])[] =
  [
    ['authorities', 'sealed_key'],
    ['webhooks', 'sealed'],
    ['dep_keys', 'sealed_key'],
    ['setup_users', 'sealed'],
    ['move_items', 'data', 'part = 0 AND data IS NOT NULL'],
  ]

/** Reads each row of these tables. */
export async function sealedKeys(d1: D1Database): Promise<readonly SealedWith[]> {
  const found = SEALED_COLUMNS.map(async ([place, column, where = '1']) => {
    const rows = await readAll(
      d1,
      sql<{ key: string; count: number }>`SELECT lower(hex(substr(${named(column)}, 2, 4))) AS key,
        count(*) AS count FROM ${named(place)} WHERE ${new Sql(where)} GROUP BY 1`,
    )
    return rows.map((row) => ({ place, ...row }))
  })
  return (await Promise.all([...found, sealedFiles(d1)])).flat()
}

/** Parts of files are base64: eight characters are the header and a byte behind it. */
async function sealedFiles(d1: D1Database): Promise<readonly SealedWith[]> {
  const rows = await readAll(
    d1,
    sql<{ head: string; count: number }>`SELECT substr(data, 1, 8) AS head, count(*) AS count
      FROM declaration_file_parts GROUP BY substr(data, 1, 7)`,
  )
  const counts = new Map<string, number>()
  for (const { head, count } of rows) {
    const key = keyOfSealed(Buffer.from(head, 'base64'))
    counts.set(key, (counts.get(key) ?? 0) + count)
  }
  return [...counts].map(([key, count]) => ({ place: 'declaration_file_parts', key, count }))
}
