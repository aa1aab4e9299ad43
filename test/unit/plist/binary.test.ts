import * as fc from 'fast-check'
import { buildBinary } from 'plist'
import { describe, expect, test } from 'vitest'
import { PlistError } from '../../../src/plist/error.ts'
import { readPlist, readPlistTop } from '../../../src/plist/read.ts'
import { binary, string as ascii } from '../../devices/binary-plist.ts'

describe('a binary plist', () => {
  test('holds every type that XML holds', () => {
    const value = {
      text: 'UDID',
      wide: 'é😀',
      number: 300,
      negative: -1,
      real: 1.5,
      yes: true,
      data: new Uint8Array([0, 1]),
      date: new Date('2026-02-03T04:05:06Z'),
      list: ['a', ['b'], {}],
    }
    expect(readPlist(new Uint8Array(buildBinary(value)))).toEqual(value)
  })

  test('is read from a view into a larger buffer', () => {
    const bytes = binary([0xa1, 1], ascii('x'))
    const larger = new Uint8Array(bytes.length + 6)
    larger.set(bytes, 3)
    expect(readPlist(larger.subarray(3, 3 + bytes.length))).toEqual(['x'])
  })

  test('gives chosen entries of its top dictionary', () => {
    const bytes = new Uint8Array(buildBinary({ a: 'x', b: ['y'] }))
    expect(readPlistTop(bytes, new Set(['b']))).toEqual({ b: ['y'] })
  })

  test.each<[string, readonly number[], unknown]>([
    ['one byte is unsigned', [0x10, 0xff], 255],
    ['eight bytes are signed', [0x13, 0x80, 0, 0, 0, 0, 0, 0, 0], -(2n ** 63n)],
    ['sixteen bytes', [0x14, ...Array(8).fill(0), ...Array(8).fill(255)], 2n ** 64n - 1n],
  ])('integers of %s', (_, object, expected) => {
    expect(readPlist(binary(object))).toBe(expected)
  })

  test.each<[string, Uint8Array]>([
    ['another version', Buffer.from('bplist16'.padEnd(60, '\0'))],
    ['no trailer', Buffer.from('bplist00')],
    ['a cycle', binary([0xa1, 0])],
    ['a reference out of range', binary([0xa1, 7])],
    ['a length beyond the file', binary([0x4f, 0x13, 0x7f, 0, 0, 0, 0, 0, 0, 0])],
    ['null', binary([0x00])],
    ['a UID', binary([0x80, 1])],
    ['a set', binary([0xc1, 1], ascii('x'))],
    ['a key that is no string', binary([0xd1, 1, 1], [0x09])],
    ['a duplicate id key', binary([0xd2, 1, 1, 1, 1], ascii('UDID'))],
    ['text that is not ASCII', binary([0x51, 0xff])],
    ['a lone surrogate', binary([0x61, 0xd8, 0x00])],
    ['an integer beyond 64 bits', binary([0x14, ...Array(16).fill(127)])],
    ['a date that is no number', binary([0x33, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0])],
  ])('with %s is refused', (_, bytes) => {
    expect(() => readPlist(bytes)).toThrow(PlistError)
  })

  test('whose keys are dictionaries is refused before these are read', () => {
    expect(() => readPlist(binary([0xd1, 0, 0]))).toThrow('key is not a string')
  })

  test('of no value is refused, from a device too', () => {
    expect(() => readPlist(binary([0x00]), 'device')).toThrow(PlistError)
  })

  test('has a value once that is referred to twice: a long one would grow without bound', () => {
    const [one, other] = readPlist(binary([0xa2, 1, 1], [0x41, 0x53])) as Uint8Array[]
    expect(one).toEqual(Uint8Array.of(0x53))
    expect(one).toBe(other)
  })

  test('whose containers share children does not grow without bound', () => {
    const levels = Array.from({ length: 40 }, (_, i) => [0xa4, i + 1, i + 1, i + 1, i + 1])
    expect(() => readPlist(binary(...levels, [0x09]))).toThrow('repeats itself')
  })

  test.each<[string, (count: number) => number[][]]>([
    ['refers to one string from everywhere', () => []],
    ['has strings that overlap', (count) => Array.from({ length: count - 1 }, () => [])],
  ])('that %s does not grow without bound', (_, others) => {
    const count = 120
    const refs = Array.from({ length: count }, (__, i) => (others(count).length === 0 ? 1 : i + 1))
    const text = [0x5f, 0x10, count, ...Array<number>(count).fill(0x61)]
    const bytes = binary([0xaf, 0x10, count, ...refs], ...others(count), text)
    expect(() => readPlist(bytes)).toThrow('repeats itself')
  })

  test('with any bytes changed is read or refused with a PlistError', () => {
    const original = new Uint8Array(buildBinary({ UDID: 'a', n: [1, 2.5, { d: new Date(0) }] }))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1 }),
        (changes) => {
          const bytes = original.slice()
          for (const [at, byte] of changes) bytes[at] = byte
          try {
            readPlist(bytes)
          } catch (error) {
            expect(error).toBeInstanceOf(PlistError)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})
