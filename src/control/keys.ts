import type { MadeKey } from '../keys/key.ts'
import type { Scope } from '../keys/scopes.ts'
import {
  deleteKeyRow,
  keyRows,
  noteKeyRow,
  putKeyRow,
  type KeyFacts,
  type KeyUse,
} from './key-rows.ts'
import { deleteSessionRows } from './session-rows.ts'
import { changeView, type ControlStore } from './view.ts'

/** The gates look through all keys, and the view of all is one message. */
export const MAX_KEYS = 200

/** Without its text: the object never gets a secret. */
export type NewSecret = Pick<MadeKey, 'id' | 'secretHash'>

/** Without a secret, it is for the person of Cloudflare Access whose e-mail address is the name. */
export interface KeyRequest {
  readonly id: string
  readonly secretHash?: Uint8Array
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Milliseconds; 0 for a key without an end. */
  readonly expiresAt: number
  /** The id of the caller's key. */
  readonly by: string
}

export type KeyCreated =
  | { readonly kind: 'created'; readonly key: KeyFacts }
  | { readonly kind: 'full' }
  | { readonly kind: 'name_taken'; readonly id: string }

/** Stores a new key. Two keys never have one name: people know keys by it. */
export function createKey(control: ControlStore, request: KeyRequest, now: number): KeyCreated {
  const { id, secretHash = new Uint8Array(), by, ...given } = request
  const rows = keyRows(control.db)
  const namesake = rows.find(({ facts }) => facts.name === given.name)
  if (namesake) {
    return { kind: 'name_taken', id: namesake.facts.id }
  }
  if (rows.length >= MAX_KEYS) {
    return { kind: 'full' }
  }
  const key: KeyFacts = {
    ...given,
    id,
    madeAt: now,
    madeBy: by,
    rolledAt: 0,
    oldUntil: 0,
    isPerson: secretHash.length === 0,
    use: { day: '', network: '', agent: '' },
  }
  putKeyRow(control.db, { facts: key, hash: secretHash, rolls: 0, oldHash: new Uint8Array() })
  changeView(control)
  return { kind: 'created', key }
}

export interface RollRequest extends NewSecret {
  /** The id of the caller's key. */
  readonly by: string
  /** How long the present secret stays good (milliseconds). */
  readonly overlap: number
  /** The new end of the key; `undefined` to keep the present one. */
  readonly expiresAt: number | undefined
  /** The scopes of the caller, which gets the secret; `undefined` for the key itself. */
  readonly scopes: readonly Scope[] | undefined
}

export type KeyRolled =
  | { readonly kind: 'rolled'; readonly key: KeyFacts }
  | { readonly kind: 'unknown' }
  /** A person has no secret. */
  | { readonly kind: 'person' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'own_end' }
  | { readonly kind: 'lacks_scopes'; readonly scopes: readonly Scope[] }

/**
 * Gives a key a new secret. A secret from before the present one ends at once. A key gives itself no later
 * end: the end that its maker chose would mean nothing.
 */
export function rollKey(control: ControlStore, request: RollRequest, now: number): KeyRolled {
  const { id, secretHash, overlap, expiresAt, scopes, by } = request
  const row = keyRows(control.db).find(({ facts }) => facts.id === id)
  if (!row) {
    return { kind: 'unknown' }
  }
  const { facts: before, hash: oldHash, rolls } = row
  if (before.isPerson) {
    return { kind: 'person' }
  }
  const lacking = scopes ? before.scopes.filter((scope) => !scopes.includes(scope)) : []
  if (lacking.length > 0) {
    return { kind: 'lacks_scopes', scopes: lacking }
  }
  const end = expiresAt ?? before.expiresAt
  if (hasEnded(end, now)) {
    return { kind: 'expired' }
  }
  if (by === id && (end || Infinity) > (before.expiresAt || Infinity)) {
    return { kind: 'own_end' }
  }
  // An expired secret stays so under a later end of the key.
  const oldUntil = hasEnded(before.expiresAt, now) ? now : now + overlap
  const key = { ...before, rolledAt: now, oldUntil, expiresAt: end }
  putKeyRow(control.db, { facts: key, hash: secretHash, rolls: rolls + 1, oldHash })
  changeView(control)
  return { kind: 'rolled', key }
}

export type KeyRemoved =
  | { readonly kind: 'removed'; readonly key: KeyFacts }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'last_admin' }

/**
 * Deletes a key and its sessions. `keepAdmin`: a key with `admin` has to stay, because the bootstrap keys are
 * not accepted. A person is no such key: Access may be gone tomorrow.
 */
export function removeKey(
  control: ControlStore,
  { id, keepAdmin }: { readonly id: string; readonly keepAdmin: boolean },
  now: number,
): KeyRemoved {
  const keys = listKeys(control)
  const key = keys.find((one) => one.id === id)
  if (!key) {
    return { kind: 'unknown' }
  }
  const admins = keys.filter((one) => isAdminKey(one, now))
  if (keepAdmin && admins.includes(key) && admins.length === 1) {
    return { kind: 'last_admin' }
  }
  deleteKeyRow(control.db, id)
  deleteSessionRows(control.db, id)
  changeView(control)
  return { kind: 'removed', key }
}

/** All keys, the oldest first. */
export function listKeys({ db }: ControlStore): readonly KeyFacts[] {
  return keyRows(db).map(({ facts }) => facts)
}

/** Notes that a key was used. Only the first use of a day is written. */
export function noteKeyUse({ db }: ControlStore, id: string, use: KeyUse): void {
  noteKeyRow(db, id, use)
}

/** Whether a key with a secret may make keys now. */
export function isAdminKey(
  { scopes, isPerson, expiresAt }: Pick<KeyFacts, 'scopes' | 'isPerson' | 'expiresAt'>,
  now: number,
): boolean {
  return scopes.includes('admin') && !isPerson && !hasEnded(expiresAt, now)
}

/** 0 stands for never. */
export function hasEnded(expiresAt: number, now: number): boolean {
  return expiresAt !== 0 && expiresAt <= now
}
