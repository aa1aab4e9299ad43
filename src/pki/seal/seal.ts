/**
 * Seals secrets at rest: AES-256-GCM from `node:crypto`, synchronous so that sealing happens inside a
 * commit. A sealed value is `version (1) ‖ key id (4) ‖ iv (12) ‖ tag (16) ‖ ciphertext`. The header is
 * authenticated with the caller's context, so a value cannot be moved to another row or key.
 */
import { Buffer } from 'node:buffer'
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { OwnError } from '../../reason.ts'

/** A key ring that cannot be read, or a sealed value that cannot be opened. The message says what to do. */
export class SealError extends OwnError {
  override name = 'SealError'
}

/** Seals and opens small values under a key ring. `aad` names the place: object, table, row. */
export interface Sealer {
  /** The ids that sealed values carry, of the newest key first. */
  readonly keyIds: readonly string[]
  /** Seals under the newest key. */
  seal(plain: Uint8Array, aad: string): Uint8Array
  /**
   * Opens with the key that sealed. @throws SealError when that key is gone, or the value or the place differ
   */
  open(sealed: Uint8Array, aad: string): Uint8Array
  /**
   * Keys for other purposes than sealing, one for each key of the ring, newest first: HKDF-SHA-256 (RFC
   * 5869).
   */
  derive(purpose: string): DerivedKeys
}

export type DerivedKeys = readonly [newest: KeyObject, ...older: KeyObject[]]

interface SealKey {
  /** First four bytes of the key's SHA-256, hex. Each sealed value carries it. */
  readonly id: string
  /** The first bytes of each value that the key seals. */
  readonly header: Uint8Array
  readonly secret: KeyObject
}

const VERSION = 1
const KEY_BYTES = 32
const HEADER_BYTES = 5
const IV_BYTES = 12
const TAG_BYTES = 16
const OVERHEAD = HEADER_BYTES + IV_BYTES + TAG_BYTES
const CIPHER = 'aes-256-gcm'

/**
 * A sealer over `SEAL_KEYS`: base64 keys of 32 bytes, newest first, separated by commas or white space,
 * each with an optional `name:` in front for people. IVs are random (NIST SP 800-38D §8.2.2): one key is
 * good for 2^32 values.
 *
 * @throws SealError for a ring that cannot be used
 */
export function createSealer(keyRing: string): Sealer {
  const ring = readRing(keyRing)
  const [newest, ...older] = ring
  if (newest === undefined) {
    throw new SealError('SEAL_KEYS is empty: make a key with `openssl rand -base64 32`')
  }
  const byId = new Map(ring.map((key) => [key.id, key]))
  if (byId.size !== ring.length) {
    throw new SealError('SEAL_KEYS holds the same key twice: keep each key once, newest first')
  }
  return {
    keyIds: ring.map(({ id }) => id),
    seal: (plain, aad) => sealWith(newest, plain, aad),
    open: (sealed, aad) => openWith(byId, sealed, aad),
    derive: (purpose) => [
      deriveKey(newest, purpose),
      ...older.map((key) => deriveKey(key, purpose)),
    ],
  }
}

/** The id of the key that sealed a value, by its first bytes: it need not be in the ring. */
export function keyOfSealed(sealed: Uint8Array): string {
  return Buffer.from(sealed.subarray(1, HEADER_BYTES)).toString('hex')
}

function deriveKey({ secret }: SealKey, purpose: string): KeyObject {
  const key = hkdfSync('sha256', secret.export(), '', purpose, KEY_BYTES)
  return createSecretKey(Buffer.from(key))
}

function readRing(keyRing: string): SealKey[] {
  const entries = keyRing.split(/[\s,]+/).filter((entry) => entry !== '')
  return entries.map((entry, index) => readKey(entry, index))
}

function readKey(entry: string, index: number): SealKey {
  const encoded = entry.slice(entry.indexOf(':') + 1)
  const secret = Buffer.from(encoded, 'base64')
  // The entry itself stays out of the message: messages are logged.
  if (secret.length !== KEY_BYTES || !/^[A-Za-z0-9+/]{43}=?$/.test(encoded)) {
    throw new SealError(
      `SEAL_KEYS entry ${index + 1} is not 32 bytes in base64: make one with \`openssl rand -base64 32\``,
    )
  }
  const id = createHash('sha256').update(secret).digest('hex').slice(0, 8)
  const header = Buffer.concat([Uint8Array.of(VERSION), Buffer.from(id, 'hex')])
  return { id, header, secret: createSecretKey(secret) }
}

// Results are copied out of Buffers: small ones share a pool, all of which would cross an RPC with them.
function sealWith(key: SealKey, plain: Uint8Array, aad: string): Uint8Array {
  const { header, secret } = key
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, secret, iv)
  cipher.setAAD(authenticated(header, aad))
  const ciphertext = cipher.update(plain)
  const last = cipher.final()
  return new Uint8Array(Buffer.concat([header, iv, cipher.getAuthTag(), ciphertext, last]))
}

function openWith(byId: ReadonlyMap<string, SealKey>, sealed: Uint8Array, aad: string): Uint8Array {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  if (bytes.length < OVERHEAD || bytes[0] !== VERSION) {
    throw new SealError('not a sealed value: too short or of an unknown version')
  }
  const header = bytes.subarray(0, HEADER_BYTES)
  const id = header.toString('hex', 1)
  const key = byId.get(id)
  if (key === undefined) {
    throw new SealError(
      `sealed with key ${id}, which SEAL_KEYS does not hold: put the old key back after the newest one`,
    )
  }
  const ivEnd = HEADER_BYTES + IV_BYTES
  const decipher = createDecipheriv(CIPHER, key.secret, bytes.subarray(HEADER_BYTES, ivEnd))
  decipher.setAAD(authenticated(header, aad))
  decipher.setAuthTag(bytes.subarray(ivEnd, OVERHEAD))
  try {
    const plain = [decipher.update(bytes.subarray(OVERHEAD)), decipher.final()]
    return new Uint8Array(Buffer.concat(plain))
  } catch (error) {
    throw new SealError('the sealed value was changed or belongs to another place', {
      cause: error,
    })
  }
}

function authenticated(header: Uint8Array, aad: string): Uint8Array {
  return Buffer.concat([header, Buffer.from(aad, 'utf8')])
}
