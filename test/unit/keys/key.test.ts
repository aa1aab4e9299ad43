import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { hashSecret, makeKey, readKey, withSecret } from '../../../src/keys/key.ts'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The check digits of a text, by Node's CRC-32. */
function checkDigits(text: string): string {
  let left = crc32(text)
  return Array.from({ length: 6 }, () => {
    const digit = DIGITS.charAt(left % 62)
    left = Math.floor(left / 62)
    return digit
  })
    .toReversed()
    .join('')
}

it('a key has an id, a secret, and the CRC-32 of both', () => {
  const { text, id, secretHash } = makeKey(randomBytes)
  expect(text).toMatch(/^emk_[\dA-Za-z]{10}_[\dA-Za-z]{38}$/)
  expect(text.slice(-6)).toBe(checkDigits(text.slice(0, -6)))
  const key = readKey(text)
  expect(key).toEqual({ id, secret: text.slice(15, 47) })
  expect(hashSecret(key?.secret ?? '')).toEqual(secretHash)
})

it('a further secret keeps the id of the key', () => {
  const first = makeKey(randomBytes)
  const second = withSecret(first.id, randomBytes)
  expect(second.id).toBe(first.id)
  expect(readKey(second.text)?.id).toBe(first.id)
  expect(second.secretHash).not.toEqual(first.secretHash)
})

it('digits are equally probable: bytes above the last multiple of 62 make none', () => {
  const { text } = makeKey(() => Uint8Array.from({ length: 256 }, (_, at) => 255 - at))
  // The first digits come from the bytes 247, 246, …: 62 divides 248.
  expect(text.slice(4, 14)).toBe('zyxwvutsrq')
})

it('a typo in any place is found without a look-up', () => {
  const { text } = makeKey(randomBytes)
  for (let at = 0; at < text.length; at++) {
    for (const digit of `${DIGITS}_- é`) {
      const typo = text.slice(0, at) + digit + text.slice(at + 1)
      expect(typo === text || readKey(typo) === undefined, typo).toBe(true)
    }
  }
})

it('two letters in the wrong order are found too', () => {
  const { text } = makeKey(randomBytes)
  for (let at = 4; at < text.length - 1; at++) {
    const [one = '', other = ''] = text.slice(at, at + 2)
    const typo = text.slice(0, at) + other + one + text.slice(at + 2)
    expect(typo === text || readKey(typo) === undefined, typo).toBe(true)
  }
})

it.each([
  ['nothing', ''],
  ['the bootstrap key', 'secret'],
  ['a token of another service', `ghp_${'a'.repeat(49)}`],
  ['10 MB', `emk_${'0'.repeat(10_000_000)}`],
  ['digits of another script', `emk_${'٠'.repeat(10)}_${'٠'.repeat(38)}`],
  ['letters that fold to ASCII', `emk_${'ſ'.repeat(10)}_${'K'.repeat(38)}`],
  ['half characters', '\ud800'.repeat(53)],
])('%s is no key', (_, text) => {
  expect(readKey(text)).toBeUndefined()
})

it('a key with a line break behind it is no key', () => {
  expect(readKey(`${makeKey(randomBytes).text}\n`)).toBeUndefined()
})
