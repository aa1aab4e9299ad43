import { createHash, hkdfSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSealer, SealError } from '../../../../src/pki/seal/seal.ts'

const oldKey = randomBytes(32).toString('base64')
const newKey = randomBytes(32).toString('base64')
const secret = Buffer.from('unlock token')

describe('a sealed value', () => {
  const sealer = createSealer(oldKey)

  it('opens to the bytes that were sealed, for any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ unit: 'binary' }),
        (plain, aad) => {
          expect(sealer.open(sealer.seal(plain, aad), aad)).toEqual(plain)
        },
      ),
    )
  })

  it('is version, key id, IV, tag and as many bytes as the secret, never twice the same', () => {
    const sealed = sealer.seal(secret, 'a')
    const keyId = createHash('sha256').update(Buffer.from(oldKey, 'base64')).digest().subarray(0, 4)
    expect(sealed.slice(0, 5)).toEqual(new Uint8Array([1, ...keyId]))
    expect(sealed.length).toBe(1 + 4 + 12 + 16 + secret.length)
    expect(sealer.seal(secret, 'a')).not.toEqual(sealed)
  })

  it('owns its memory, and shares it with no other value', () => {
    const sealed = sealer.seal(secret, 'a')
    expect(sealed.buffer.byteLength).toBe(sealed.length)
    expect(sealer.open(sealed, 'a').buffer.byteLength).toBe(secret.length)
  })

  it('does not open with any byte changed, cut short, or at another place', () => {
    const sealed = sealer.seal(secret, 'a')
    for (const at of sealed.keys()) {
      const changed = Uint8Array.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => sealer.open(changed, 'a')).toThrow(SealError)
      expect(() => sealer.open(sealed.slice(0, at), 'a')).toThrow(SealError)
    }
    expect(() => sealer.open(sealed, 'b')).toThrow(/another place/)
  })
})

describe('a key ring', () => {
  it('opens with every key and seals with the first', () => {
    const rotated = createSealer(`2026:${newKey},\n${oldKey}`)
    expect(rotated.open(createSealer(oldKey).seal(secret, 'a'), 'a')).toEqual(
      new Uint8Array(secret),
    )
    expect(createSealer(newKey).open(rotated.seal(secret, 'a'), 'a')).toEqual(
      new Uint8Array(secret),
    )
  })

  it('names the missing key', () => {
    const sealed = createSealer(oldKey).seal(secret, 'a')
    const id = createHash('sha256').update(Buffer.from(oldKey, 'base64')).digest('hex').slice(0, 8)
    expect(() => createSealer(newKey).open(sealed, 'a')).toThrow(id)
  })

  it.each([
    ['nothing', ' , ', /empty/],
    ['a short key', 'AAAA', /entry 1 is not 32 bytes/],
    ['a word', `${newKey} hunter2`, /entry 2 is not 32 bytes/],
    ['one key twice', `a:${newKey},b:${newKey}`, /twice/],
  ])('of %s is refused with advice', (_, ring, message) => {
    expect(() => createSealer(ring)).toThrow(message)
    expect(() => createSealer(ring)).not.toThrow('hunter2')
  })
})

it('a ring derives a key for each purpose from each of its keys, by HKDF', () => {
  const derived = (ring: string, purpose: string) =>
    createSealer(ring)
      .derive(purpose)
      .map((key) => key.export())
  const [first, second] = derived(`${newKey},b:${oldKey}`, 'one')
  const expected = hkdfSync('sha256', Buffer.from(newKey, 'base64'), '', 'one', 32)
  expect(first).toEqual(Buffer.from(expected))
  expect(derived(oldKey, 'one')).toEqual([second])
  expect(derived(oldKey, 'two')).not.toEqual([second])
})
