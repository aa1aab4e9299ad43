import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bindingOf,
  CHALLENGE_PURPOSE,
  type Grant,
  isBound,
  nonceOf,
  readChallenge,
  writeChallenge,
} from '../../../../src/pki/seal/challenge.ts'
import { createSealer } from '../../../../src/pki/seal/seal.ts'

const [oldest, newest] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
const keys = createSealer(newest).derive(CHALLENGE_PURPOSE)
const grant: Grant = {
  profile: 1,
  counted: true,
  issuedAt: 1_795_000_000_123,
  expiresAt: 1_795_086_400_123,
  binding: bindingOf({ udid: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01', serial: 'C02EXAMPLE' }),
  nonce: nonceOf(),
}

describe('a challenge without a row', () => {
  it('holds its own facts, is always new, and fits into every profile', () => {
    fc.assert(
      fc.property(
        fc.record({
          profile: fc.integer({ min: 0, max: 255 }),
          counted: fc.boolean(),
          issuedAt: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
          expiresAt: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
          binding: fc
            .record({ udid: fc.string(), serial: fc.string() })
            .map((subject) => bindingOf(subject)),
          nonce: fc.option(fc.string(), { nil: undefined }).map((text) => nonceOf(text)),
        }),
        (given) => {
          const challenge = writeChallenge(keys[0], given)
          expect(readChallenge(keys, challenge)).toEqual(given)
          expect(challenge).toMatch(/^[A-Za-z0-9+/]{1,100}$/)
          expect(nonceOf()).not.toBe(given.nonce)
        },
      ),
    )
  })

  it('gets the latest end that can be written, if its end is later', () => {
    const challenge = writeChallenge(keys[0], { ...grant, expiresAt: Number.MAX_SAFE_INTEGER })
    expect(readChallenge(keys, challenge)?.expiresAt).toBe(2 ** 48 - 1)
  })

  it('is invalid with any bit of any byte changed', () => {
    const bytes = Buffer.from(writeChallenge(keys[0], grant), 'base64')
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(readChallenge(keys, changed.toString('base64'))).toBeUndefined()
    }
  })

  it('has one spelling', () => {
    const challenge = writeChallenge(keys[0], { ...grant })
    for (const other of [
      '',
      'micromdm',
      challenge.slice(1),
      challenge.slice(4),
      `${challenge}A`,
      `${challenge}AAAA`,
      `${challenge}=`,
      ` ${challenge}`,
      `${challenge}\n`,
      challenge.replace(/.$/, '-'),
      challenge + challenge,
    ]) {
      expect(readChallenge(keys, other)).toBeUndefined()
    }
  })

  it('stays valid after a new key was put in front, and not without its own key', () => {
    const challenge = writeChallenge(createSealer(oldest).derive(CHALLENGE_PURPOSE)[0], grant)
    const rotated = createSealer(`2027:${newest},2026:${oldest}`).derive(CHALLENGE_PURPOSE)
    expect(readChallenge(rotated, challenge)).toEqual(grant)
    expect(readChallenge(keys, writeChallenge(rotated[0], grant))).toEqual(grant)
    expect(readChallenge(keys, challenge)).toBeUndefined()
    const other = createSealer(oldest).derive('something else')
    expect(readChallenge(other, challenge)).toBeUndefined()
  })
})

describe('the binding of a challenge', () => {
  it('is the device, in any case of letters, and empty for no device', () => {
    const binding = bindingOf({ udid: 'abc', serial: 'C02' })
    expect(bindingOf({ udid: 'ABC', serial: 'c02' })).toEqual(binding)
    expect(bindingOf({ udid: 'C02', serial: 'ABC' })).not.toMatchObject({ udid: binding.serial })
    expect(bindingOf({ udid: 'abd', serial: 'C03' })).toEqual({
      udid: expect.not.stringMatching(binding.udid),
      serial: expect.not.stringMatching(binding.serial),
    })
    expect(bindingOf({ serial: 'C02' })).toEqual({ udid: '', serial: binding.serial })
    expect([isBound(bindingOf({})), isBound(bindingOf({ serial: 'C02' }))]).toEqual([false, true])
    expect(bindingOf({ udid: '', serial: '' })).toEqual({ udid: '', serial: '' })
  })
})
