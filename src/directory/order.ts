import { and, asc, type Column, desc, type SQL, sql } from 'drizzle-orm'
import type { DrizzleD1Database } from 'drizzle-orm/d1'
import type { SQLiteSelect, SQLiteTable } from 'drizzle-orm/sqlite-core'

/** The order of a list: by a column, and rows of equal value by their id. */
export interface Order {
  readonly by: Column
  readonly id: Column
  readonly descending: boolean
}

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

/** Rows behind a place; `undefined` for all rows. */
function behind({ by, id, descending }: Order, after: Place | undefined): SQL | undefined {
  if (!after) {
    return undefined
  }
  return descending
    ? sql`(${by}, ${id}) < (${after.value}, ${after.id})`
    : sql`(${by}, ${id}) > (${after.value}, ${after.id})`
}

function inOrder({ by, id, descending }: Order): SQL[] {
  return [by, id].map((column) => (descending ? desc(column) : asc(column)))
}

/** The rows that a sorted list has. */
interface Listed extends Pick<Order, 'by' | 'id'> {
  readonly table: SQLiteTable
  /** Undefined for all rows of the table. */
  readonly meant?: SQL | undefined
}

/** Reads a page of a query that has no conditions yet. */
export async function readPage<Query extends SQLiteSelect>(
  db: DrizzleD1Database,
  query: Query,
  { table, by, id, meant }: Listed,
  { sort, after, limit }: PageOf<string>,
): Promise<Counted<Query['_']['result'][number]>> {
  const order = { by, id, descending: sort.descending }
  const [rows, total] = await Promise.all([
    query
      .where(and(behind(order, after), meant))
      .orderBy(...inOrder(order))
      .limit(limit + 1),
    after ? null : db.$count(table, meant),
  ])
  return { rows, total }
}
