import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withDefiniteLengths } from '../../../../src/pki/asn1/ber.ts'
import { cursorOver, DerError, readOid, readSingle, TAG } from '../../../../src/pki/asn1/der.ts'
import { requireStrictDer } from '../../../../src/pki/asn1/strict.ts'
import { element, integer, octetString, oid, sequence } from '../../../../src/pki/asn1/der-write.ts'

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

describe('strict DER', () => {
  it.each([
    ['a truncated length', '30'],
    ['a truncated body', '300302'],
    ['an indefinite length', '30800000'],
    ['a length in long form without need', '30810100'],
    ['a length with leading zero', `04820080${'00'.repeat(128)}`],
    ['an oversized length', '04850000000001'],
    ['a tag above 30', '1f2000'],
    ['an end-of-contents', '0000'],
    ['a constructed string', '24020400'],
    ['a primitive sequence', '1000'],
    ['a padded integer', '02020001'],
    ['a padded negative integer', '0202ff80'],
    ['an empty integer', '0200'],
    ['a boolean that is neither', '010101'],
    ['a null with content', '050100'],
    ['a bit string without count', '0300'],
    ['a bit string with nine unused bits', '03020900'],
    ['unused bits that are set', '03020101'],
    ['an object identifier that does not end', '060180'],
    ['an object identifier with padding', '06038001'],
    ['an empty object identifier', '0600'],
    ['a time without seconds', '170b323630313031303030305a'],
    ['any of these below', '3003020100300402020001'],
  ])('refuses %s', (_, hex) => {
    expect(() => requireStrictDer(bytes(hex), 'x')).toThrow(DerError)
  })

  it.each(['3000', '020100', '0202ff7f', '020200ff', '0101ff', '03020780', '030100', '0500'])(
    'accepts %s',
    (hex) => {
      expect(() => requireStrictDer(bytes(hex), 'x')).not.toThrow()
    },
  )

  it.each([
    ['time', 0x17],
    ['object identifier', 0x06],
  ])('refuses a long %s, and does not run out of stack', (rule, tag) => {
    const long = element(tag, new Uint8Array(1_000_000).fill(0x41))
    expect(() => requireStrictDer(long, 'x')).toThrow(new DerError(`x: ${rule} is not DER`))
  })

  it('refuses bytes after the element', () => {
    expect(() => readSingle(bytes('050000'), 0x05, 'x')).toThrow(/at the end/)
  })
})

describe('an element that the writer makes', () => {
  it('is read back: object identifiers', () => {
    const arcs = fc.tuple(fc.nat(2), fc.nat(39), fc.array(fc.nat()))
    fc.assert(
      fc.property(arcs, ([root, second, rest]) => {
        const dotted = [root, second, ...rest].join('.')
        expect(readOid(cursorOver(oid(dotted)), 'x')).toBe(dotted)
      }),
    )
  })

  it('is strict DER at every length', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
      const der = sequence(octetString(new Uint8Array(length)), integer(length))
      expect(() => requireStrictDer(der, 'x')).not.toThrow()
    }
  })
})

describe('indefinite lengths', () => {
  it('become definite, and pieces of an octet string become one', () => {
    const pieces = bytes('3080a0802480040101040202030000000002010500' + '00')
    const whole = sequence(element(0xa0, octetString(Uint8Array.of(1, 2, 3))), integer(5))
    expect(withDefiniteLengths(pieces)).toEqual(whole)
  })

  it.each([
    ['pieces of an octet string', '2480', '04014a', TAG.octetString, '4a'],
    ['elements of a sequence', '3080', '0500', TAG.sequence, '0500'],
  ])('are read over any number of %s', (_, start, each, tag, content) => {
    const many = (hex: string) => bytes(hex.repeat(200_000))
    const read = withDefiniteLengths(Buffer.concat([bytes(start), many(each), bytes('0000')]))
    expect(Buffer.compare(read, element(tag, many(content)))).toBe(0)
  })

  it.each([
    ['without an end', '3080020100'],
    ['on a primitive element', '3080048000000000'],
    ['with pieces that are no octet strings', '308024800201000000' + '0000'],
    ['nested without end', '3080'.repeat(5_000)],
    ['followed by more', '3080000005'],
  ])('%s are refused', (_, hex) => {
    expect(() => withDefiniteLengths(bytes(hex))).toThrow(DerError)
  })
})
