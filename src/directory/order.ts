import { asc, type Column, desc, type SQL, sql } from 'drizzle-orm'

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

/** Rows behind a place; all rows without one. */
export function behind({ by, id, descending }: Order, after: Place | undefined): SQL | undefined {
  if (!after) {
    return undefined
  }
  return descending
    ? sql`(${by}, ${id}) < (${after.value}, ${after.id})`
    : sql`(${by}, ${id}) > (${after.value}, ${after.id})`
}

export function inOrder({ by, id, descending }: Order): SQL[] {
  return [by, id].map((column) => (descending ? desc(column) : asc(column)))
}

/** A page with the number of all rows, which only the first page needs. */
export async function counted<Row>(
  rows: PromiseLike<readonly Row[]>,
  after: Place | undefined,
  count: () => PromiseLike<number>,
): Promise<Counted<Row>> {
  const [read, total] = await Promise.all([rows, after ? null : count()])
  return { rows: read, total }
}
