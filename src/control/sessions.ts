import { timingSafeEqual } from 'node:crypto'
import { isKeyId } from '../keys/key.ts'
import { SESSION_LIFE, type SessionEntry } from '../keys/view.ts'
import { keyRows, type KeyRow } from './key-rows.ts'
import { hasEnded, type NewSecret } from './keys.ts'
import {
  addSessionRow,
  deleteSessionRow,
  deleteSessionRows,
  noteSessionRow,
  pruneSessionRows,
  sessionRows,
} from './session-rows.ts'
import { changeView, type ControlStore } from './view.ts'

/** A key's further sign-in ends its session that was unused for longest. */
const MAX_OF_KEY = 20
const MAX_SESSIONS = 500

export interface SessionRequest {
  /** SHA-256 of the cookie's value, in hex. */
  readonly hash: string
  /**
   * The key of the sign-in. A bootstrap key, and a person of Cloudflare Access, come without a hash: the
   * caller has checked them.
   */
  readonly key: Pick<NewSecret, 'id'> & Partial<NewSecret>
  readonly who: string
  /** When the proof of a person ends (milliseconds). */
  readonly until?: number
}

export type SessionOpened =
  | { readonly kind: 'opened'; readonly expiresAt: number }
  /** The key has ended since the caller's view of it. */
  | { readonly kind: 'key_ended' }
  | { readonly kind: 'full' }

/** Stores a session, which lasts no longer than its key and its proof. Sessions that are over are deleted. */
export function beginSession(
  control: ControlStore,
  { hash, key, who, until = Infinity }: SessionRequest,
  now: number,
): SessionOpened {
  const { db } = control
  pruneSessionRows(db, now)
  const rolls = isKeyId(key.id) ? rollsOf(keyRows(db), key, now) : 0
  if (rolls === undefined) {
    return { kind: 'key_ended' }
  }
  const sessions = sessionRows(db)
  const ofKey = sessions.filter(({ keyId }) => keyId === key.id)
  if (ofKey.length >= MAX_OF_KEY) {
    deleteSessionRow(db, ofKey[0]?.hash ?? '')
  } else if (sessions.length >= MAX_SESSIONS) {
    return { kind: 'full' }
  }
  const expiresAt = Math.min(now + SESSION_LIFE, until)
  addSessionRow(db, { hash, keyId: key.id, rolls, who, madeAt: now, seenAt: now, expiresAt })
  changeView(control)
  return { kind: 'opened', expiresAt }
}

/** Ends a session. */
export function closeSession(control: ControlStore, hash: string): void {
  deleteSessionRow(control.db, hash)
  changeView(control)
}

/** Ends all sessions of a key. */
export function closeSessions(control: ControlStore, keyId: string): void {
  deleteSessionRows(control.db, keyId)
  changeView(control)
}

/** Notes that a session was used: it would end otherwise. */
export function noteSessionUse(
  control: ControlStore,
  hash: SessionEntry['hash'],
  now: number,
): void {
  noteSessionRow(control.db, hash, now)
  changeView(control)
}

/** How many rolls a secret that is good now had; 0 for a person; `undefined` for all others. */
function rollsOf(
  rows: readonly KeyRow[],
  { id, secretHash = new Uint8Array() }: SessionRequest['key'],
  now: number,
): number | undefined {
  const row = rows.find(({ facts }) => facts.id === id)
  if (!row || hasEnded(row.facts.expiresAt, now)) {
    return undefined
  }
  if (isSame(row.hash, secretHash)) {
    return row.rolls
  }
  return row.facts.oldUntil > now && isSame(row.oldHash, secretHash) ? row.rolls - 1 : undefined
}

/** A person has an empty hash, and no secret has. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}
