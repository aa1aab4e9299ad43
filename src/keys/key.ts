import { hash } from 'node:crypto'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ID_LENGTH = 10
const SECRET_LENGTH = 32
const CHECK_LENGTH = 6
/** `emk_<id>_<secret><check>`, of one length: a text of any other length costs no more than that look. */
const FORM = /^(emk_([\dA-Za-z]{10})_([\dA-Za-z]{32}))([\dA-Za-z]{6})$/
const LENGTH = 'emk_'.length + ID_LENGTH + 1 + SECRET_LENGTH + CHECK_LENGTH
/** The largest multiple of 62 in a byte: digits of the bytes below it are equally probable. */
const FAIR = 248

/** So many random bytes. */
type RandomBytes = (length: number) => Uint8Array

/** A new API key. `text` is shown once, and only `secretHash` is stored. */
export interface MadeKey {
  readonly text: string
  readonly id: string
  readonly secretHash: Uint8Array
}

/** Makes an API key: an id that tells nothing, a secret of 190 bits, and the check digits of both. */
export function makeKey(random: RandomBytes): MadeKey {
  return withSecret(digits(ID_LENGTH, random), random)
}

/** Makes a further secret for the key of this id. */
export function withSecret(id: string, random: RandomBytes): MadeKey {
  const secret = digits(SECRET_LENGTH, random)
  const start = `emk_${id}_${secret}`
  return { text: start + checkOf(start), id, secretHash: hashSecret(secret) }
}

/**
 * Reads the text of an API key, whose secret may still be wrong.
 * @returns `undefined` for any other text, and for a key with a wrong letter: its check digits do not fit
 */
export function readKey(
  text: string,
): { readonly id: string; readonly secret: string } | undefined {
  const [, start = '', id = '', secret = '', check] =
    text.length === LENGTH ? (FORM.exec(text) ?? []) : []
  return check !== undefined && check === checkOf(start) ? { id, secret } : undefined
}

/** Whether it is the id of a key that the server made. The id of `API_KEY` is shorter. */
export function isKeyId(id: string): boolean {
  return id.length === ID_LENGTH
}

/** SHA-256. A slow hash is for passwords: this secret is random. */
export function hashSecret(secret: string): Uint8Array {
  return hash('sha256', secret, 'buffer')
}

function digits(length: number, random: RandomBytes): string {
  let text = ''
  while (text.length < length) {
    for (const byte of random(length)) {
      text += byte < FAIR && text.length < length ? DIGITS.charAt(byte % DIGITS.length) : ''
    }
  }
  return text
}

/** CRC-32, as in zip files, in base 62. A program finds a leaked key by it, and a typo costs no look-up. */
function checkOf(text: string): string {
  let crc = 0xffff_ffff
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at)
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1
    }
  }
  let left = ~crc >>> 0
  let check = ''
  while (check.length < CHECK_LENGTH) {
    check = DIGITS.charAt(left % DIGITS.length) + check
    left = Math.floor(left / DIGITS.length)
  }
  return check
}
