/**
 * Hands a secret to one reader over a line that others may record: X25519 (RFC 7748), HKDF-SHA-256
 * (RFC 5869) and AES-256-GCM, all from `node:crypto`. A letter is `sender's key (32) ‖ tag (16) ‖
 * ciphertext`. Each letter has a key pair of its own, so its key and its IV are used once.
 */
import { Buffer } from 'node:buffer'
import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { SealError } from './seal.ts'

const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'

/** The purpose of a letter that holds seal keys, in the form of `SEAL_KEYS`. */
export const RING_PURPOSE = 'edgemdm seal keys'

/** The end that a letter is for. It can be asked once or more, and is gone with its process. */
export interface HandoverReader {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** @throws SealError for a letter to another reader or for another purpose, or one that was changed */
  readonly open: (letter: Uint8Array) => Uint8Array
}

/** @param purpose what the letters hold: both ends name the same */
export function newHandoverReader(purpose: string): HandoverReader {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const own = rawOf(publicKey)
  return {
    publicKey: own,
    open(letter) {
      const bytes = Buffer.from(letter)
      if (bytes.length < KEY_BYTES + TAG_BYTES) {
        throw new SealError('the letter is too short')
      }
      const sender = bytes.subarray(0, KEY_BYTES)
      try {
        const shared = diffieHellman({ privateKey, publicKey: keyOf(sender) })
        const { key, iv } = derived(shared, sender, own, purpose)
        const decipher = createDecipheriv(CIPHER, key, iv)
        decipher.setAuthTag(bytes.subarray(KEY_BYTES, KEY_BYTES + TAG_BYTES))
        const plain = decipher.update(bytes.subarray(KEY_BYTES + TAG_BYTES))
        return new Uint8Array(Buffer.concat([plain, decipher.final()]))
      } catch (cause) {
        throw new SealError('the letter is for another reader, or was changed', { cause })
      }
    },
  }
}

/**
 * @param reader the public key of the end that may read it: 32 bytes
 * @throws SealError for bytes that are no public key, or one with which each letter would have the same key
 */
export function writeLetter(plain: Uint8Array, reader: Uint8Array, purpose: string): Uint8Array {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const sender = rawOf(publicKey)
  let shared: Uint8Array
  try {
    shared = diffieHellman({ privateKey, publicKey: keyOf(reader) })
  } catch (cause) {
    throw new SealError('not a public key of X25519: take a fresh one', { cause })
  }
  const { key, iv } = derived(shared, sender, reader, purpose)
  const cipher = createCipheriv(CIPHER, key, iv)
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
  return new Uint8Array(Buffer.concat([sender, cipher.getAuthTag(), ciphertext]))
}

function derived(shared: Uint8Array, sender: Uint8Array, reader: Uint8Array, purpose: string) {
  const salt = Buffer.concat([sender, reader])
  const bytes = Buffer.from(hkdfSync('sha256', shared, salt, purpose, KEY_BYTES + IV_BYTES))
  return { key: bytes.subarray(0, KEY_BYTES), iv: bytes.subarray(KEY_BYTES) }
}

/** RFC 8037 §2. */
function keyOf(bytes: Uint8Array): KeyObject {
  const x = Buffer.from(bytes).toString('base64url')
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' })
}

function rawOf(key: KeyObject): Uint8Array {
  const { x = '' } = key.export({ format: 'jwk' })
  return new Uint8Array(Buffer.from(x, 'base64url'))
}
