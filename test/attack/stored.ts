/** What a server keeps on disk, for counting what a request leaves behind. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Scene } from './scene.ts'

/** So many devices' objects, and rows of each table of the directory. */
export function stored({ server }: Scene): { readonly objects: number; readonly rows: object } {
  const worker = join(server.state, 'worker')
  return {
    objects: databasesIn(join(worker, 'do/edgemdm-Device')).length,
    rows: Object.assign(
      {},
      ...databasesIn(join(worker, 'd1/miniflare-D1DatabaseObject')).map(rows),
    ),
  }
}

function databasesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => /^[0-9a-f]+\.sqlite$/.test(name))
    .map((name) => join(folder, name))
}

function rows(file: string): Record<string, unknown> {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const tables = database
      .prepare(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'`,
      )
      .all()
    return Object.fromEntries(
      tables.map(({ name }) => [
        String(name),
        database.prepare(`SELECT count(*) AS n FROM "${String(name)}"`).get()?.['n'],
      ]),
    )
  } finally {
    database.close()
  }
}
