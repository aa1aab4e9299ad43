import type { SessionEntry } from '../keys/view.ts'
import { SESSION_IDLE } from '../keys/view.ts'
import type { Db } from '../storage/db.ts'
import type { Tables } from '../storage/tables.ts'

/** People of the console. Times are milliseconds. */
export const SESSION_TABLES: Tables = {
  console_sessions: `(
    hash TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    rolls INTEGER NOT NULL,
    who TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
}

/** All sessions, the one that was seen last at the end. */
export function sessionRows(db: Db): SessionEntry[] {
  return db.all(
    `SELECT hash, key_id AS keyId, rolls, who, made_at AS madeAt, seen_at AS seenAt, expires_at AS expiresAt
      FROM console_sessions ORDER BY seen_at, hash`,
  )
}

export function addSessionRow(db: Db, row: SessionEntry): void {
  db.run(
    `INSERT INTO console_sessions (hash, key_id, rolls, who, made_at, seen_at, expires_at)
      VALUES (?, ?, ?, ?, ?, ?, ?)`,
    row.hash,
    row.keyId,
    row.rolls,
    row.who,
    row.madeAt,
    row.seenAt,
    row.expiresAt,
  )
}

/** Deletes one session. */
export function deleteSessionRow(db: Db, hash: string): void {
  db.run('DELETE FROM console_sessions WHERE hash = ?', hash)
}

/** Deletes the sessions of a key. */
export function deleteSessionRows(db: Db, keyId: string): void {
  db.run('DELETE FROM console_sessions WHERE key_id = ?', keyId)
}

/** Deletes the sessions that are over. */
export function pruneSessionRows(db: Db, now: number): void {
  db.run(
    'DELETE FROM console_sessions WHERE expires_at <= ? OR seen_at <= ?',
    now,
    now - SESSION_IDLE,
  )
}

export function noteSessionRow(db: Db, hash: string, seenAt: number): void {
  db.run('UPDATE console_sessions SET seen_at = max(seen_at, ?) WHERE hash = ?', seenAt, hash)
}
