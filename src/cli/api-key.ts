import { randomBytes } from 'node:crypto'

/** A new `API_KEY`, of 192 random bits. Hex: a text with a dash in front is an option to a command line. */
export function newApiKey(): string {
  return randomBytes(24).toString('hex')
}
