import { randomBytes } from 'node:crypto'
import type { KeyView } from '../keys/view.ts'
import { sqlite, type Db } from '../storage/db.ts'
import { withTables } from '../storage/tables.ts'
import { keyEntryOf, KEY_TABLES, keyRows } from './key-rows.ts'
import { SESSION_TABLES, sessionRows } from './session-rows.ts'

/** What the object keeps. */
export interface ControlStore {
  readonly db: Db
  readonly kv: SyncKvStorage
}

export function openControl({ sql, kv }: DurableObjectStorage): ControlStore {
  return { db: withTables(sqlite(sql), { ...KEY_TABLES, ...SESSION_TABLES }), kv }
}

const VERSION = 'version'

/** Keys and sessions for the gates; `undefined` when this version is still the present one. */
export function viewSince({ db, kv }: ControlStore, version?: string): KeyView | undefined {
  const now = kv.get<string>(VERSION) ?? ''
  return now === version
    ? undefined
    : { version: now, keys: keyRows(db).map(keyEntryOf), sessions: sessionRows(db) }
}

/**
 * Gives the view a new version, in the commit of its change. Versions are random: after a restore of the
 * object's storage, a number would come twice.
 */
export function changeView({ kv }: ControlStore): void {
  kv.put(VERSION, randomBytes(8).toString('hex'))
}
