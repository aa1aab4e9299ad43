import { randomBytes } from 'node:crypto'
import type { ClaimView } from '../config/claim.ts'
import { SCOPES } from '../keys/scopes.ts'
import { createSealer } from '../pki/seal/seal.ts'
import { keyRows } from './key-rows.ts'
import { createKey, type NewSecret } from './keys.ts'
import type { ControlStore } from './view.ts'

/** What is stored of the claim. It never goes away. */
interface StoredClaim extends ClaimView {
  readonly by: 'page' | 'secrets'
  /** The ids of the seal keys that complete secrets had last. */
  readonly ids: readonly string[]
}

const CLAIM = 'claim'
const SALT = 'claim salt'
/** The name of the first key, and its maker. */
const SETUP = 'setup'

/** A server with keys had an owner before it knew of claims. */
function storedClaim({ db, kv }: ControlStore): StoredClaim | undefined {
  const hadOwner = (): boolean => keyRows(db).length > 0
  return (
    kv.get<StoredClaim>(CLAIM) ?? (hadOwner() ? { by: 'secrets', ring: '', ids: [] } : undefined)
  )
}

export function claimView(control: ControlStore): ClaimView {
  const { by, ring = '' } = storedClaim(control) ?? {}
  return by ? { by, ring } : { ring }
}

/**
 * A Worker has complete secrets: the server is claimed for ever, and a secret that is missing later has its
 * name in the answer. @returns the ring, unless the secrets have all of its keys
 */
export function noteSecrets(control: ControlStore, ids: readonly string[]): ClaimView {
  const before = storedClaim(control)
  const ring = before?.ring ?? ''
  if (before?.by !== 'secrets' || before.ids.join() !== ids.join()) {
    control.kv.put<StoredClaim>(CLAIM, { by: 'secrets', ring, ids })
    control.kv.delete(SALT)
  }
  return { by: 'secrets', ring: lacking(ring, ids).length > 0 ? ring : '' }
}

export type ClaimPending =
  | { readonly kind: 'begun'; readonly salt: Uint8Array }
  | { readonly kind: 'not_begun' }
  | { readonly kind: 'already_claimed' }

/**
 * The salt of a claim, which the first keys are derived from with the setup code (`firstKeys`): the same code
 * shows the same keys until they are confirmed.
 */
export function beginClaim(control: ControlStore): ClaimPending {
  const pending = pendingClaim(control)
  if (pending.kind !== 'not_begun') {
    return pending
  }
  const salt = new Uint8Array(randomBytes(32))
  control.kv.put(SALT, salt)
  return { kind: 'begun', salt }
}

export function pendingClaim(control: ControlStore): ClaimPending {
  if (storedClaim(control)) {
    return { kind: 'already_claimed' }
  }
  const salt = control.kv.get<Uint8Array>(SALT)
  return salt ? { kind: 'begun', salt } : { kind: 'not_begun' }
}

export interface ClaimedKeys {
  /** The new seal key, in the form of `SEAL_KEYS`. */
  readonly ring: string
  /** The first API key. It has all scopes and no end. */
  readonly key: NewSecret
}

export type ClaimConfirmed = { readonly kind: 'claimed' | 'not_begun' | 'already_claimed' }

/** Claims the server, once: the ring and the key are stored in one transaction. */
export function confirmClaim(
  control: ControlStore,
  { ring, key }: ClaimedKeys,
  now: number,
): ClaimConfirmed {
  const pending = pendingClaim(control)
  if (pending.kind !== 'begun') {
    return pending
  }
  createKey(control, { ...key, name: SETUP, scopes: SCOPES, expiresAt: 0, by: SETUP }, now)
  control.kv.put<StoredClaim>(CLAIM, { by: 'page', ring, ids: [] })
  control.kv.delete(SALT)
  return { kind: 'claimed' }
}

/** The seal keys that this object holds, and their ids, newest first. */
export interface RingCopy {
  readonly ring: string
  readonly ids: readonly string[]
}

export function ringCopy(control: ControlStore): RingCopy {
  const ring = storedClaim(control)?.ring ?? ''
  return { ring, ids: idsOf(ring) }
}

export type RingForgotten =
  | { readonly kind: 'forgotten' }
  /** The secrets lack these keys. */
  | { readonly kind: 'lacking'; readonly ids: readonly string[] }

/** Deletes the ring, if the secrets have all of its keys. `ids`: the keys of the secrets. */
export function forgetRing(control: ControlStore, ids: readonly string[]): RingForgotten {
  const claim = storedClaim(control)
  const left = lacking(claim?.ring ?? '', ids)
  if (left.length > 0) {
    return { kind: 'lacking', ids: left }
  }
  if (claim) {
    control.kv.put<StoredClaim>(CLAIM, { ...claim, ring: '' })
  }
  return { kind: 'forgotten' }
}

function lacking(ring: string, ids: readonly string[]): string[] {
  return idsOf(ring).filter((id) => !ids.includes(id))
}

function idsOf(ring: string): readonly string[] {
  return ring === '' ? [] : createSealer(ring).keyIds
}
