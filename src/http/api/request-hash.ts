import { createHmac, type KeyObject } from 'node:crypto'

/**
 * Identifies a repeated request with an Idempotency-Key. The hash is keyed, because it is stored unsealed: a
 * plain hash of a body with a PIN would reveal the PIN.
 */
export function requestHash(repeatKey: KeyObject, body: Uint8Array | string): string {
  return createHmac('sha256', repeatKey).update(body).digest('hex')
}
