import { createHmac } from 'node:crypto'

/**
 * Tells whether a request with an Idempotency-Key came before. Keyed, because it rests unsealed: a plain hash of a
 * body with a PIN would give the PIN away.
 */
export function requestHash(apiKey: string, body: Uint8Array | string): string {
  return createHmac('sha256', apiKey).update(body).digest('hex')
}
