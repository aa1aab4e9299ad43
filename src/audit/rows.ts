/** The only SQL on `audit`: the rows of one month. A row is never changed. */
import type { AuditRow } from '../keys/audit-row.ts'
import type { Db } from '../storage/db.ts'
import type { Tables } from '../storage/tables.ts'

/**
 * `entry` is the rest of the row as JSON. `listeners` has the ids of the webhooks that want the row as JSON:
 * `null` when they were not known, NULL when no webhook wants it. No index: a filter reads the month.
 */
export const AUDIT_TABLES: Tables = {
  audit: `(
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    prev TEXT,
    entry TEXT NOT NULL,
    listeners TEXT
  )`,
}

/** The webhooks that want a row; `undefined` when the list of webhooks was not known. */
export type RowListeners = readonly string[] | undefined

export function insertAuditRow(db: Db, row: AuditRow, listeners: RowListeners): void {
  const { seq, at, prev, ...entry } = row
  db.run(
    'INSERT INTO audit (seq, at, prev, entry, listeners) VALUES (?, ?, ?, ?, ?)',
    seq,
    Date.parse(at),
    prev,
    JSON.stringify(entry),
    listeners?.length === 0 ? null : JSON.stringify(listeners ?? null),
  )
}

const COLUMNS = 'seq, at, prev, entry'

interface Stored {
  readonly seq: number
  readonly at: number
  readonly prev: string | null
  readonly entry: string
}

function readRow({ seq, at, prev, entry }: Stored): AuditRow {
  const rest: Omit<AuditRow, 'seq' | 'at' | 'prev'> = JSON.parse(entry)
  return { ...rest, seq, at: new Date(at).toISOString(), prev }
}

export function lastAuditRow(db: Db): AuditRow | undefined {
  const [last] = db.all<Stored>(`SELECT ${COLUMNS} FROM audit ORDER BY seq DESC LIMIT 1`)
  return last && readRow(last)
}

/** Which rows a reader wants. Times are milliseconds. */
export interface AuditFilter {
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** A key's id or name, or a person's name. */
  readonly actor?: string | undefined
  /** `noun.verb`, or a noun for all its actions. */
  readonly action?: string | undefined
  /** The id of the target. */
  readonly target?: string | undefined
  readonly scope?: string | undefined
}

/** Rows before a number, newest first. */
export function auditRowsBefore(
  db: Db,
  before: number,
  limit: number,
  filter: AuditFilter,
): AuditRow[] {
  const { since = 0, until = Number.MAX_SAFE_INTEGER } = filter
  const { actor = '', action = '', target = '', scope = '' } = filter
  return db
    .all<Stored>(
      `SELECT ${COLUMNS} FROM audit WHERE seq < ?1 AND at BETWEEN ?2 AND ?3
        AND (?4 = '' OR ?4 IN (entry ->> '$.actor.id', entry ->> '$.actor.name', entry ->> '$.actor.who'))
        AND (?5 = '' OR ?5 = entry ->> '$.action'
          OR substr(entry ->> '$.action', 1, length(?5) + 1) = ?5 || '.')
        AND (?6 = '' OR ?6 = entry ->> '$.target.id')
        AND (?7 = '' OR ?7 = entry ->> '$.scope')
        ORDER BY seq DESC LIMIT ?8`,
      before,
      since,
      until,
      actor,
      action,
      target,
      scope,
      limit,
    )
    .map(readRow)
}

/** A row that webhooks want, and which of them. */
export interface WantedRow {
  readonly row: AuditRow
  readonly listeners: RowListeners
}

/** Rows after a number that webhooks want, oldest first. */
export function wantedRowsAfter(db: Db, after: number, limit: number): WantedRow[] {
  return db
    .all<Stored & { readonly listeners: string }>(
      `SELECT ${COLUMNS}, listeners FROM audit WHERE seq > ? AND listeners IS NOT NULL
        ORDER BY seq LIMIT ?`,
      after,
      limit,
    )
    .map(({ listeners, ...stored }) => {
      const known: readonly string[] | null = JSON.parse(listeners)
      return { row: readRow(stored), listeners: known ?? undefined }
    })
}
