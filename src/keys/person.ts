/** Longer addresses cannot be sent to (RFC 5321 §4.5.3.1.3). */
const MAX_LENGTH = 254
const ADDRESS = /^[\x21-\x3f\x41-\x7e]+@[\w.-]+$/

/**
 * The e-mail address by which a person of Cloudflare Access is known here: in small letters. Only ASCII, and
 * only its letters are made small: Unicode would make `K` (U+212A) and `k` one letter, and two people one.
 * @returns `undefined` for any other text
 */
export function personName(text: string): string | undefined {
  const name = text.trim().replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
  return name.length <= MAX_LENGTH && ADDRESS.test(name) ? name : undefined
}
