import { column, type Db } from './db.ts'

/** The columns of each table, with their parentheses, by its name. */
export type Tables = Readonly<Record<string, string>>

/** Makes the tables that are missing, in one call: the runtime keeps the last statement of each in memory. */
export function createTables(db: Db, tables: Tables): void {
  db.run(
    Object.entries(tables)
      .map(([name, columns]) => `CREATE TABLE IF NOT EXISTS ${name} ${columns};`)
      .join('\n'),
  )
}

/**
 * The same database for an object that may have no tables yet. Until its first INSERT, reads find nothing,
 * and `create` runs before that INSERT: an object that was only asked for stores nothing.
 */
export function beforeFirstWrite(db: Db, create: () => void): Db {
  let isMade = false
  const isReady = (query: string): boolean => {
    if (!isMade && query.startsWith('INSERT')) {
      isMade = true
      create()
    }
    return isMade
  }
  return {
    all: (query, ...values) => (isReady(query) ? db.all(query, ...values) : []),
    run(query, ...values) {
      if (isReady(query)) {
        db.run(query, ...values)
      }
    },
    size: () => db.size(),
  }
}

/** An object's database with its tables, which its first INSERT makes. */
export function withTables(db: Db, tables: Tables): Db {
  const names = Object.keys(tables)
  const found = tableNames(db).filter((name) => names.includes(name))
  if (found.length === 0) {
    return beforeFirstWrite(db, () => createTables(db, tables))
  }
  if (found.length < names.length) {
    createTables(db, tables)
  }
  return db
}

export function tableNames(db: Db): string[] {
  return column(db, "SELECT name FROM sqlite_master WHERE type = 'table'")
}
