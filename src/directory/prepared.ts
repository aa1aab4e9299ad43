import { fillPlaceholders, type Query } from 'drizzle-orm'
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1'

/** A statement whose text is built once: to build it costs more than to send it. */
export function prepared(
  build: (db: DrizzleD1Database) => { toSQL(): Query },
): (d1: D1Database, values: Readonly<Record<string, unknown>>) => D1PreparedStatement {
  let query: Query | undefined
  return (d1, values) => {
    query ??= build(drizzle(d1)).toSQL()
    return d1.prepare(query.sql).bind(...fillPlaceholders(query.params, values))
  }
}

/**
 * Items as the JSON of one parameter, for `json_each`: a statement takes a hundred parameters. SQLite would
 * store half of a surrogate pair as bytes that are no UTF-8.
 */
export function jsonOf(items: readonly unknown[]): string {
  return JSON.stringify(items, (_, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  )
}
