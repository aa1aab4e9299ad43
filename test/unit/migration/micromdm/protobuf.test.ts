import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  readWire,
  WireError,
  wireBytes,
  wireFlag,
  wireInt64,
  wireMessages,
  wireText,
} from '../../../../src/migration/micromdm/protobuf.ts'
import { bytesField, message, varint } from '../protobuf.ts'

describe('a protobuf message', () => {
  it('has texts, bytes, flags and numbers', () => {
    const fields = readWire(message([1, 'Zoë'], [2, Uint8Array.of(0, 255)], [3, true], [300, -5n]))
    expect(wireText(fields, 1)).toBe('Zoë')
    expect([...wireBytes(fields, 2)]).toEqual([0, 255])
    expect(wireFlag(fields, 3)).toBe(true)
    expect(wireInt64(fields, 300)).toBe(-5n)
  })

  it('has the defaults of proto3 for what is absent', () => {
    const fields = readWire(new Uint8Array())
    expect([wireText(fields, 1), wireFlag(fields, 1), wireInt64(fields, 1)]).toEqual([
      '',
      false,
      0n,
    ])
    expect([wireBytes(fields, 1).length, wireMessages(fields, 1)]).toEqual([0, []])
  })

  it('counts the last one of a field, and all of a list', () => {
    const fields = readWire(
      Buffer.concat([message([1, 'a']), message([1, 'b']), bytesField(1, Buffer.alloc(0))]),
    )
    expect(wireText(fields, 1)).toBe('')
    expect(wireMessages(fields, 1).map(({ length }) => length)).toEqual([1, 1, 0])
  })

  it('may have fields that are not known, of any type', () => {
    const fixed64 = Buffer.concat([varint(BigInt(7 * 8 + 1)), Buffer.alloc(8)])
    const fixed32 = Buffer.concat([varint(BigInt(8 * 8 + 5)), Buffer.alloc(4)])
    const rest = message([9, 5n], [10, 'x'], [1, 'known'])
    expect(wireText(readWire(Buffer.concat([fixed64, fixed32, rest])), 1)).toBe('known')
  })

  it.each<[string, readonly number[]]>([
    ['ends within a tag', [0x80]],
    ['ends within a length', [0x0a, 0x80]],
    ['ends within a text', [0x0a, 5, 1]],
    ['ends within a fixed number', [0x09, 1, 2]],
    ['has the field number 0', [0x02, 0]],
    ['has a group', [0x0b, 0x0c]],
    ['has a number of more than 10 bytes', [0x08, ...Array<number>(10).fill(0x80), 1]],
    ['has a number of more than 64 bits', [0x08, ...Array<number>(9).fill(0xff), 2]],
  ])('that %s is refused', (_, bytes) => {
    expect(() => readWire(Uint8Array.from(bytes))).toThrow(WireError)
  })

  it('with a field of another type is refused', () => {
    const fields = readWire(message([1, 'text'], [2, 5n], [3, Uint8Array.of(0xff)]))
    for (const read of [
      () => wireInt64(fields, 1),
      () => wireFlag(fields, 1),
      () => wireText(fields, 2),
      () => wireMessages(fields, 2),
      () => wireText(fields, 3),
    ]) {
      expect(read).toThrow(WireError)
    }
  })

  it('of any bytes is read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          readWire(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
