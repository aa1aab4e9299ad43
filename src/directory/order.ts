import { inTime } from '../clock.ts'
import {
  countRows,
  type Expressions,
  type KeyOf,
  named,
  type Picked,
  readAll,
  select,
  type Sql,
  sql,
  type Table,
} from './sql.ts'

/** D1 has been seen to answer after a minute: an admin learns of it sooner. */
const PATIENCE = 5000

/** The last row of the page before. */
export interface Place {
  readonly value: string | number
  readonly id: string
}

/** A page of a sorted list. */
export interface PageOf<Sort extends string> {
  readonly sort: { readonly field: Sort; readonly descending: boolean }
  readonly after: Place | undefined
  readonly limit: number
}

/**
 * The rows of a page. If there are more, it has one row more than the page holds. `total` is only set on the
 * first page.
 */
export interface Counted<Row> {
  readonly rows: readonly Row[]
  readonly total: number | null
}

/** The rows that a sorted list has. */
interface Listed<Name extends Table, Key extends KeyOf<Name>, More> {
  readonly table: Name
  readonly keys: readonly Key[]
  readonly more?: Expressions<More>
  /** The order: by a column or a further expression, and rows of equal value by their id. */
  readonly by: KeyOf<Name> | (keyof More & string)
  readonly id: KeyOf<Name>
  /** Undefined for all rows of the table. */
  readonly meant?: Sql
}

export async function readPage<Name extends Table, Key extends KeyOf<Name>, More = unknown>(
  d1: D1Database,
  { table, keys, more, by, id, meant = sql`1` }: Listed<Name, Key, More>,
  { sort, after, limit }: PageOf<string>,
): Promise<Counted<Picked<Name, Key> & More>> {
  const order = new Map(Object.entries<Sql>(more ?? {})).get(by) ?? named(by)
  const place = sql`(${order}, ${named(id)})`
  const [way, behind] = sort.descending ? [sql`DESC`, sql`<`] : [sql`ASC`, sql`>`]
  const start = after ? sql`${place} ${behind} (${after.value}, ${after.id})` : sql`1`
  const rest = sql`WHERE ${start} AND ${meant}
    ORDER BY ${order} ${way}, ${named(id)} ${way} LIMIT ${limit + 1}`
  const reading = Promise.all([
    readAll(d1, select(table, keys, rest, more)),
    after ? null : countRows(d1, table, meant),
  ])
  const [rows, total] = await inTime(PATIENCE, reading)
  return { rows, total }
}
