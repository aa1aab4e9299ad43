import { hash, timingSafeEqual } from 'node:crypto'
import type { Caller } from './caller.ts'
import { hashSecret, readKey } from './key.ts'
import { SCOPES, type Scope } from './scopes.ts'

/** All that a gate has to know of keys and sessions. `version` changes with each change of them. */
export interface KeyView {
  readonly version: string
  readonly keys: readonly KeyEntry[]
  readonly sessions: readonly SessionEntry[]
}

/** Times are milliseconds; 0 stands for never. */
export interface KeyEntry {
  readonly id: string
  readonly name: string
  readonly scopes: readonly Scope[]
  /** SHA-256 of the secret. A person of Cloudflare Access, whose address is the name, has none. */
  readonly hash?: Uint8Array
  /** How often the key got a new secret. */
  readonly rolls: number
  /** The secret before the last roll. */
  readonly old?: { readonly hash: Uint8Array; readonly until: number }
  readonly expiresAt: number
}

/** A person of the console. Times are milliseconds. */
export interface SessionEntry {
  /** SHA-256 of the cookie's value, in hex. */
  readonly hash: string
  /** The key of the sign-in, and the number of rolls that its secret had then. */
  readonly keyId: string
  readonly rolls: number
  readonly who: string
  readonly madeAt: number
  readonly seenAt: number
  readonly expiresAt: number
}

/** The longest life of a session, and how long one may stay unused (milliseconds). */
export const SESSION_LIFE = 12 * 3_600_000
export const SESSION_IDLE = 2 * 3_600_000

/** A secret that no key has: an unknown id costs as much time as a known one. */
const NO_HASH = new Uint8Array(32)

/** The caller with this key. `undefined` for a key that is unknown, revoked, expired or rolled away. */
export function callerOfKey(view: KeyView, text: string, now: number): Caller | undefined {
  const key = readKey(text)
  if (!key) {
    return undefined
  }
  const entry = view.keys.find(({ id }) => id === key.id)
  const sent = hashSecret(key.secret)
  const isNew = timingSafeEqual(sent, entry?.hash ?? NO_HASH)
  const isOld = timingSafeEqual(sent, entry?.old?.hash ?? NO_HASH)
  if (!entry || !(isNew || isOld)) {
    return undefined
  }
  return calling(entry, isNew ? entry.rolls : entry.rolls - 1, now)
}

/** The person with this address ({@link personName}). `undefined` without a grant, or after its end. */
export function callerOfPerson(view: KeyView, email: string, now: number): Caller | undefined {
  const entry = view.keys.find(({ name, hash: secret }) => name === email && secret === undefined)
  return entry && calling(entry, entry.rolls, now)
}

/**
 * The caller with this cookie of the console.
 * @param bootstrap the bootstrap keys that are accepted now
 * @returns `undefined` for a session that is unknown, closed or over, and for one whose key has ended
 */
export function callerOfSession(
  view: KeyView,
  cookie: string,
  now: number,
  bootstrap: readonly Pick<Caller, 'id' | 'name'>[],
): Caller | undefined {
  const hashed = hashCookie(cookie)
  const session = view.sessions.find((one) => one.hash === hashed)
  const owner = session && sessionOwner(view, session, now, bootstrap)
  return (
    owner && {
      ...owner,
      expiresAt: Math.min(session.expiresAt, owner.expiresAt ?? Infinity),
      session: { hash: hashed, who: session.who },
    }
  )
}

/**
 * The key of a session.
 * @param bootstrap the bootstrap keys that are accepted now
 * @returns `undefined` for a session that is over, and for one whose key has ended
 */
export function sessionOwner(
  view: KeyView,
  session: SessionEntry,
  now: number,
  bootstrap: readonly Pick<Caller, 'id' | 'name'>[],
): Caller | undefined {
  if (isSessionOver(session, now)) {
    return undefined
  }
  const entry = view.keys.find(({ id }) => id === session.keyId)
  const own = bootstrap.find(({ id }) => id === session.keyId)
  return entry
    ? calling(entry, session.rolls, now)
    : own && { id: own.id, name: own.name, scopes: SCOPES }
}

/** SHA-256 of the cookie's value, in hex: only this is stored. */
export function hashCookie(cookie: string): string {
  return hash('sha256', cookie, 'hex')
}

/** Whether a session has reached its end, or was not used for too long. */
export function isSessionOver(
  { expiresAt, seenAt }: Pick<SessionEntry, 'expiresAt' | 'seenAt'>,
  now: number,
): boolean {
  return now >= expiresAt || now - seenAt >= SESSION_IDLE
}

/** The caller with the secret that a key had after so many rolls. */
function calling(entry: KeyEntry, rolls: number, now: number): Caller | undefined {
  const { id, name, scopes, old } = entry
  const until = rolls === entry.rolls ? Infinity : rolls === entry.rolls - 1 ? (old?.until ?? 0) : 0
  const expiresAt = Math.min(until, entry.expiresAt || Infinity)
  return now < expiresAt
    ? {
        id,
        name,
        scopes,
        ...(expiresAt !== Infinity && { expiresAt }),
        ...(rolls !== entry.rolls && { isOldSecret: true }),
      }
    : undefined
}
