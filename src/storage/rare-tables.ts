import type { Db } from './db.ts'

export interface RareTable {
  readonly columns: readonly string[]
  readonly key?: string
}

/**
 * The same database with tables that most objects never need, by name. As long as such a table is missing, it
 * is read as an empty one; the first INSERT makes it. Only this file knows that a table may be missing.
 */
export function withRareTables(db: Db, tables: ReadonlyMap<string, RareTable>): Db {
  /**
   * The statements that run in place of a query while its tables are missing. So each query fails only once.
   */
  const around = new Map<string, string>()
  return {
    size: () => db.size(),
    all(query, ...values) {
      const empty = new Map<string, string>()
      for (;;) {
        try {
          return db.all(around.get(query) ?? query, ...values)
        } catch (error) {
          const [name, table] = missingTable(tables, error)
          if (empty.has(name)) {
            throw error
          }
          empty.set(name, emptyTable(name, table))
          around.set(query, `WITH ${[...empty.values()].join(', ')} ${query}`)
        }
      }
    },
    run(query, ...values) {
      try {
        db.run(query, ...values)
      } catch (error) {
        const [name, { columns, key }] = missingTable(tables, error)
        if (!query.startsWith('INSERT')) {
          return
        }
        const body = [...columns, ...(key ? [`PRIMARY KEY (${key})`] : [])].join(', ')
        db.run(`CREATE TABLE ${name} (${body})${key ? ' WITHOUT ROWID' : ''}`)
        around.clear()
        db.run(query, ...values)
      }
    },
  }
}

/** The rare table whose absence made a statement fail. @throws the error if it has another cause */
function missingTable(tables: ReadonlyMap<string, RareTable>, error: unknown): [string, RareTable] {
  const [, name = ''] = /no such table: (\w+)/.exec(String(error)) ?? []
  const table = tables.get(name)
  if (!table) {
    throw error
  }
  return [name, table]
}

function emptyTable(name: string, { columns }: RareTable): string {
  const names = columns.map((column) => column.split(' ', 1)[0])
  return `${name} (${names.join(', ')}) AS (SELECT ${names.map(() => 'NULL').join(', ')} WHERE 0)`
}
