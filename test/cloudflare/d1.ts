import { createHash, randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { now, type Account, type Database } from './account.ts'
import { Bare, Refused, fieldOf, found, textOf, type Routes } from './route.ts'

export const D1_ROUTES: Routes = [
  [
    'GET',
    '/d1/database',
    ({ account, query }) =>
      account.databases.filter(({ name }) => [null, name].includes(query.get('name'))).map(shown),
  ],
  ['POST', '/d1/database', ({ account, body }) => shown(create(account, textOf(body, 'name')))],
  ['GET', '/d1/database/:database', ({ account, part }) => shown(find(account, part.database))],
  [
    'DELETE',
    '/d1/database/:database',
    ({ account, part }) => {
      account.databases.splice(account.databases.indexOf(find(account, part.database)), 1)
      return null
    },
  ],
  [
    'POST',
    '/d1/database/:database/query',
    ({ account, part, body }) => runAll(find(account, part.database), textOf(body, 'sql')),
  ],
  [
    'POST',
    '/d1/database/:database/import',
    ({ account, part, body, origin }) =>
      importFile(find(account, part.database), account.uploads, body, origin),
  ],
  [
    'PUT',
    '/d1-upload/:file',
    ({ account, part, body }) => {
      const text = String(body)
      account.uploads.set(part.file ?? '', text)
      return new Bare({}, { etag: `"${createHash('md5').update(text).digest('hex')}"` })
    },
  ],
]

function find(account: Account, ref: string | undefined): Database {
  const database = account.databases.find(({ uuid, name }) => ref === uuid || ref === name)
  return found(database, 7404, `The database ${ref} could not be found`)
}

function create(account: Account, name: string): Database {
  if (account.databases.some((database) => database.name === name)) {
    throw new Refused(400, 7502, `A database with name '${name}' already exists`)
  }
  const sql = new DatabaseSync(':memory:')
  const database = { uuid: randomUUID(), name, created_at: now(), sql }
  account.databases.push(database)
  return database
}

function shown({ uuid, name, created_at, sql }: Database) {
  const tables = sql.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()
  return {
    uuid,
    name,
    created_at,
    version: 'production',
    num_tables: tables.length,
    file_size: 8192,
  }
}

/** Text, names and comments may contain a semicolon. Triggers, which may too, are not in our migrations. */
const STATEMENT = /(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\/|[^;'"`])+/g
const COMMENTS = /--[^\n]*|\/\*[\s\S]*?\*\//g

/** All statements in one transaction, as D1's REST API runs them: one that fails undoes those before it. */
function runAll({ sql }: Database, text: string): unknown[] {
  const statements = (text.match(STATEMENT) ?? []).filter(
    (statement) => statement.replaceAll(COMMENTS, '').trim() !== '',
  )
  sql.exec('BEGIN')
  try {
    const results = statements.map((statement) => run(sql, statement))
    sql.exec('COMMIT')
    return results
  } catch (error) {
    sql.exec('ROLLBACK')
    throw new Refused(400, 7500, `${String(error)}: SQLITE_ERROR`)
  }
}

function run(sql: DatabaseSync, statement: string) {
  const prepared = sql.prepare(statement)
  const reads = prepared.columns().length > 0
  const results = reads ? prepared.all() : []
  const { changes, lastInsertRowid } = reads ? { changes: 0, lastInsertRowid: 0 } : prepared.run()
  const meta = {
    served_by: 'fake',
    duration: 0.1,
    changes: Number(changes),
    last_row_id: Number(lastInsertRowid),
    changed_db: Number(changes) > 0,
    size_after: 8192,
    rows_read: results.length,
    rows_written: Number(changes),
  }
  return { results, success: true, meta }
}

/** `d1 execute --file`: the file's upload is announced, put, and then taken in. */
function importFile(
  database: Database,
  uploads: Account['uploads'],
  body: unknown,
  origin: string,
) {
  const filename = `${textOf(body, 'etag')}.sql`
  if (fieldOf(body, 'action') === 'init') {
    return { success: true, filename, upload_url: `${origin}/d1-upload/${filename}` }
  }
  const results = runAll(database, uploads.get(filename) ?? '')
  return {
    success: true,
    type: 'import',
    status: 'complete',
    at_bookmark: 'fake',
    messages: [],
    result: {
      num_queries: results.length,
      final_bookmark: 'fake',
      meta: { duration: 0.1, rows_read: 0, rows_written: 0, size_after: 8192 },
    },
  }
}
