import { hkdfSync } from 'node:crypto'
import { makeKey, type MadeKey } from './key.ts'

/** The first keys of a server. */
export interface FirstKeys {
  readonly apiKey: MadeKey
  /** In the form of `SEAL_KEYS`. */
  readonly ring: string
}

/**
 * The keys that a setup code claims a server with: the same ones for the same code and salt, so that a page
 * shows them again (docs/claim.md §3). HKDF-SHA-256 (RFC 5869). Without the salt, which only Control has, the
 * code tells nothing of them; without the code, neither does the salt.
 *
 * @param salt 32 random bytes
 */
export function firstKeys(code: string, salt: Uint8Array): FirstKeys {
  const derive = (purpose: string, length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', code, salt, `edgemdm claim ${purpose}`, length))
  let round = 0
  return {
    apiKey: makeKey((length) => derive(`API key ${(round += 1)}`, length)),
    ring: `k1:${derive('seal key', 32).toString('base64')}`,
  }
}
