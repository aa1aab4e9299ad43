import { isScope, type Scope } from '../keys/scopes.ts'
import type { KeyEntry } from '../keys/view.ts'
import type { Db } from '../storage/db.ts'
import type { Tables } from '../storage/tables.ts'

/** Times are milliseconds. 0 and empty texts stand for never. */
export const KEY_TABLES: Tables = {
  keys: `(
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    hash BLOB NOT NULL,
    rolls INTEGER NOT NULL,
    old_hash BLOB NOT NULL,
    old_until INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    rolled_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_day TEXT NOT NULL,
    network TEXT NOT NULL,
    agent TEXT NOT NULL
  ) WITHOUT ROWID`,
}

/** What an admin may see of a key. Times are milliseconds; 0 and empty texts stand for never. */
export interface KeyFacts {
  readonly id: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly madeAt: number
  /** The id of the key that made it. */
  readonly madeBy: string
  readonly rolledAt: number
  /** The end of the secret before the last roll. */
  readonly oldUntil: number
  readonly expiresAt: number
  /** A person of Cloudflare Access: `name` is the e-mail address, and there is no secret. */
  readonly isPerson: boolean
  readonly use: KeyUse
}

/** The first use of a key on the last day with one: `2026-11-28`, in UTC. */
export interface KeyUse {
  readonly day: string
  readonly network: string
  readonly agent: string
}

/** A key as it is stored. */
export interface KeyRow {
  readonly facts: KeyFacts
  /** Empty for a person. */
  readonly hash: Uint8Array
  readonly rolls: number
  readonly oldHash: Uint8Array
}

/** All keys, the oldest first. */
export function keyRows(db: Db): KeyRow[] {
  return db
    .all<
      Omit<KeyFacts, 'scopes' | 'isPerson' | 'use'> &
        KeyUse & { scopes: string; hash: ArrayBuffer; rolls: number; oldHash: ArrayBuffer }
    >(
      `SELECT id, name, scopes, hash, rolls, old_hash AS oldHash, old_until AS oldUntil, made_at AS madeAt,
        made_by AS madeBy, rolled_at AS rolledAt, expires_at AS expiresAt, used_day AS day, network, agent
        FROM keys ORDER BY made_at, id`,
    )
    .map(({ scopes, hash, rolls, oldHash, day, network, agent, ...facts }) => ({
      facts: {
        ...facts,
        scopes: scopes.split(' ').filter(isScope),
        isPerson: hash.byteLength === 0,
        use: { day, network, agent },
      },
      hash: new Uint8Array(hash),
      rolls,
      oldHash: new Uint8Array(oldHash),
    }))
}

/** Stores a key, in place of the row that has its id. */
export function putKeyRow(db: Db, { facts, hash, rolls, oldHash }: KeyRow): void {
  db.run(
    `INSERT OR REPLACE INTO keys (id, name, scopes, hash, rolls, old_hash, old_until, made_at, made_by,
      rolled_at, expires_at, used_day, network, agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    facts.id,
    facts.name,
    facts.scopes.join(' '),
    hash,
    rolls,
    oldHash,
    facts.oldUntil,
    facts.madeAt,
    facts.madeBy,
    facts.rolledAt,
    facts.expiresAt,
    facts.use.day,
    facts.use.network,
    facts.use.agent,
  )
}

export function deleteKeyRow(db: Db, id: string): void {
  db.run('DELETE FROM keys WHERE id = ?', id)
}

/** Writes the first use of a day. */
export function noteKeyRow(db: Db, id: string, { day, network, agent }: KeyUse): void {
  db.run(
    'UPDATE keys SET used_day = ?, network = ?, agent = ? WHERE id = ? AND used_day < ?',
    day,
    network,
    agent,
    id,
    day,
  )
}

/** What the gates have to know of a key. */
export function keyEntryOf({ facts, hash, rolls, oldHash }: KeyRow): KeyEntry {
  const { id, name, scopes, oldUntil, expiresAt, isPerson } = facts
  const old = oldUntil > 0 ? { old: { hash: oldHash, until: oldUntil } } : {}
  return { id, name, scopes, ...(!isPerson && { hash }), rolls, ...old, expiresAt }
}
