import { Buffer } from 'node:buffer'
import { createPublicKey, type KeyObject } from 'node:crypto'

/**
 * The key in the DER of a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7); undefined when `node:crypto` cannot
 * read it.
 */
export function readPublicKey(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

/** Bits of an RSA modulus; undefined for keys of other kinds. */
export function rsaBitsOf(key: KeyObject | undefined): number | undefined {
  return key?.asymmetricKeyType === 'rsa' ? key.asymmetricKeyDetails?.modulusLength : undefined
}
