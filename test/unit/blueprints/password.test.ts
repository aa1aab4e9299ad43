import { randomBytes, webcrypto } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  hashPassword,
  isPasswordHash,
  newPassword,
  pbkdf2,
} from '../../../src/blueprints/password.ts'
import { readPlist } from '../../../src/plist/read.ts'
import { writePlist } from '../../../src/plist/write.ts'

const { subtle } = webcrypto
const random = (bytes: number) => new Uint8Array(randomBytes(bytes))
const KIND = 'SALTED-SHA512-PBKDF2'

/** Python: hashlib.pbkdf2_hmac('sha512', 'Grüße, Mac!'.encode(), bytes(range(32)), 20001, 128).hex() */
const ENTROPY = [
  '5740115f4b1da04d04230fbf1c750657197b19c6e8f7a5fa24c2dd1dd23e6186',
  'd6a0c7459925f7efe1c66684cd26de269870f5acaa2c9aaa5b27502ed73a94ad',
  '6ab72a20b55395843b68c9ce32c55065cd922be133bc6c86e954669167589eca',
  'b6a58792646ec07cef0aadd878ba6e1b10637162ec120aa71ac2a9818f105307',
].join('')

interface Hash {
  [KIND]: { entropy: Uint8Array; salt: Uint8Array; iterations: number }
}

describe('the hash of a password', () => {
  it('is the PBKDF2 that Python computes', async () => {
    const salt = Uint8Array.from({ length: 32 }, (_, n) => n)
    const entropy = await pbkdf2('Grüße, Mac!', { subtle, salt, iterations: 20_001 })
    expect(Buffer.from(entropy).toString('hex')).toBe(ENTROPY)
  })

  it('is the plist of which macOS makes an account, with a salt of its own', async () => {
    const bytes = await hashPassword('secret', { subtle, random })
    expect(new TextDecoder().decode(bytes)).toMatch(/^<\?xml/)
    const { entropy, salt, iterations } = (readPlist(bytes) as unknown as Hash)[KIND]
    expect([entropy.length, salt.length]).toEqual([128, 32])
    expect(iterations).toBeGreaterThanOrEqual(20_000)
    expect(iterations).toBeLessThan(40_000)
    expect(await pbkdf2('secret', { subtle, salt, iterations })).toEqual(entropy)
    expect(await hashPassword('secret', { subtle, random })).not.toEqual(bytes)
    expect(isPasswordHash(bytes)).toBe(true)
  })

  it.each([
    ['no plist', new TextEncoder().encode('secret')],
    ['another dictionary', writePlist({ entropy: new Uint8Array(128) })],
    [
      'a short key',
      writePlist({
        [KIND]: { entropy: new Uint8Array(64), salt: new Uint8Array(32), iterations: 20_000 },
      }),
    ],
    [
      'no iterations',
      writePlist({ [KIND]: { entropy: new Uint8Array(128), salt: new Uint8Array(32) } }),
    ],
  ])('is not %s', (_, bytes) => {
    expect(isPasswordHash(bytes)).toBe(false)
  })
})

describe('a generated password', () => {
  it('has groups of letters that look like no other, and digits', () => {
    for (let n = 0; n < 200; n++) {
      expect(newPassword(random)).toMatch(
        /^[BCDFGHJKMNPRTVWZ][bcdfghjkmnprtvwz]{3}(-[bcdfghjkmnprtvwz]{4}){3}-[2-9]{4}$/,
      )
    }
    expect(newPassword(random)).not.toBe(newPassword(random))
  })

  it('takes all of its letters from the randomness', () => {
    expect(newPassword((bytes) => new Uint8Array(bytes))).toBe('Bbbb-bbbb-bbbb-bbbb-2222')
    expect(newPassword((bytes) => new Uint8Array(bytes).fill(255))).toBe('Zzzz-zzzz-zzzz-zzzz-9999')
  })
})
