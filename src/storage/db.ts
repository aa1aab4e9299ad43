export type SqlValue = string | number | null | Uint8Array | ArrayBuffer

/**
 * The object's SQLite, as far as this project uses it. It is synchronous, so everything between two awaits is
 * one commit.
 */
export interface Db {
  all<Row>(query: string, ...values: SqlValue[]): Row[]
  run(query: string, ...values: SqlValue[]): void
  /** Bytes in use. */
  size(): number
}

/** An object's own SQLite. */
export function sqlite(sql: SqlStorage): Db {
  return {
    all: <Row>(query: string, ...values: SqlValue[]) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a query names the columns of its row
      sql.exec(query, ...values).toArray() as Row[],
    run: (query, ...values) => {
      sql.exec(query, ...values)
    },
    size: () => sql.databaseSize,
  }
}

/** The values of a query that has one column. */
export function column<Value extends SqlValue>(
  db: Db,
  query: string,
  ...values: SqlValue[]
): Value[] {
  return db.all<Record<string, Value>>(query, ...values).flatMap((row) => Object.values(row))
}

/** The error of a statement that writes where nothing may be written. */
export class WouldWrite extends Error {
  override name = 'WouldWrite'
}

/** The same database for a decision that writes nothing. */
export function readOnlyDb(db: Db): Db {
  return {
    all: (query, ...values) => (query.startsWith('SELECT') ? db.all(query, ...values) : refuse()),
    run: refuse,
    size: () => db.size(),
  }
}

function refuse(): never {
  throw new WouldWrite()
}
