import { hash, timingSafeEqual } from 'node:crypto'

/**
 * Whether two secrets are equal. Hashing makes both sides equally long, so that comparing takes the same
 * time for any text.
 */
export function sameSecret(sent: string, expected: string): boolean {
  return timingSafeEqual(digest(sent), digest(expected))
}

function digest(text: string): Uint8Array {
  return hash('sha256', text, 'buffer')
}
