export type SqlValue = string | number | null | Uint8Array | ArrayBuffer

/** The object's SQLite, as far as we use it: synchronous, so that everything between two awaits is one commit. */
export interface Db {
  all<Row>(query: string, ...values: SqlValue[]): Row[]
  run(query: string, ...values: SqlValue[]): void
}
