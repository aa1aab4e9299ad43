import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { newHandoverReader, writeLetter } from '../../../../src/pki/seal/handover.ts'
import { SealError } from '../../../../src/pki/seal/seal.ts'

const PURPOSE = 'test'
const SECRET = randomBytes(64)

describe('a letter', () => {
  it('is read by its reader, and each one differs', () => {
    const reader = newHandoverReader(PURPOSE)
    const letters = [1, 2].map(() => writeLetter(SECRET, reader.publicKey, PURPOSE))
    expect(letters.map((letter) => Buffer.from(reader.open(letter)).equals(SECRET))).toEqual([
      true,
      true,
    ])
    expect(letters[0]).not.toEqual(letters[1])
  })

  it('is read by no other reader, and for no other purpose', () => {
    const reader = newHandoverReader(PURPOSE)
    const letter = writeLetter(SECRET, reader.publicKey, PURPOSE)
    expect(() => newHandoverReader(PURPOSE).open(letter)).toThrow(SealError)
    const other = writeLetter(SECRET, reader.publicKey, 'another purpose')
    expect(() => reader.open(other)).toThrow(SealError)
  })

  it('is refused with one bit changed, or cut, anywhere', () => {
    const reader = newHandoverReader(PURPOSE)
    const letter = writeLetter(SECRET, reader.publicKey, PURPOSE)
    for (const at of letter.keys()) {
      // The top bit of a public key has no meaning (RFC 7748 §5), but the salt has it.
      const changed = letter.map((byte, index) => (index === at ? byte ^ 0x80 : byte))
      expect(() => reader.open(changed), `byte ${at}`).toThrow(SealError)
    }
    for (const end of [0, 31, 32, 47, 48, letter.length - 1]) {
      expect(() => reader.open(letter.subarray(0, end)), `${end} bytes`).toThrow(SealError)
    }
  })

  it.each([
    ['no bytes', new Uint8Array()],
    ['a short key', new Uint8Array(31)],
    ['a long key', new Uint8Array(33).fill(9)],
    ['a key that makes each secret zero', new Uint8Array(32)],
  ])('to %s is not written', (_, key) => {
    expect(() => writeLetter(SECRET, key, PURPOSE)).toThrow(SealError)
  })
})
