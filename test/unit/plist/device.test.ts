import { buildBinary } from 'plist'
import { describe, expect, test } from 'vitest'
import { PlistError } from '../../../src/plist/error.ts'
import { entrySpans, readEntries, readPlist, readPlistTop } from '../../../src/plist/read.ts'
import type { PlistValue } from '../../../src/plist/value.ts'
import { binary, string, wide } from '../../devices/binary-plist.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const utf16 = (text: string): Uint8Array => Buffer.from(`\ufeff${text}`, 'utf16le')
const name = (text: string) => `<plist><dict><key>N</key><string>${text}</string></dict></plist>`
const FAULT = 'holds bytes or characters that are no text'

/** A character of the first is a byte of the document. */
const BROKEN: readonly (readonly [string, string, string])[] = [
  ['an escape character', 'a\x1bb', 'a�b'],
  ['NUL', 'a\0b', 'a�b'],
  ['U+FFFE', 'a\xef\xbf\xbeb', 'a�b'],
  ['U+FFFF', '\xef\xbf\xbf', '�'],
  ['a byte of Latin-1', 'Caf\xe9', 'Caf�'],
  ['a sequence that is cut', 'a\xf0\x9f\x98', 'a�'],
  ['a surrogate in UTF-8', 'a\xed\xa0\x80b', 'a���b'],
  ['a pair of surrogates in UTF-8', '\xed\xa0\xbd\xed\xb8\x80', '������'],
  ['an overlong slash', '\xc0\xaf', '��'],
  ['a reference to a control character', 'a&#27;b', 'a�b'],
  ['a reference to NUL', '&#x0;', '�'],
  ['a reference to half a pair', '&#xD83D;&#xDE00;', '��'],
  ['a reference beyond Unicode', '&#x110000;&#99999999999999999999;', '��'],
  ['two kinds at once', '\x01\xff&#1;', '���'],
  ['a broken byte beside a sound U+FFFD', '\xef\xbf\xbd\xff\xef\xbf\xbd', '���'],
  ['a control character in CDATA', '<![CDATA[<\x02>]]>', '<�>'],
]

describe('in a device’s text', () => {
  test.each(BROKEN)('%s is read as U+FFFD, and counts as a repair', (_, sent, read) => {
    const document = bytes(name(sent))
    expect(readPlist(document, 'device')).toEqual({ N: read })
    const entries = readEntries(document, new Set(['N']))
    expect(entries.dict).toEqual({ N: read })
    expect(entries.faults.get('N')).toBe(FAULT)
    expect(() => readPlist(document)).toThrow(PlistError)
  })

  test.each([
    ['a U+FFFD of its own', '\xef\xbf\xbd', '�'],
    ['a reference to U+FFFD', '&#xFFFD;', '�'],
    ['the end of a CDATA section', ']]>', ']]>'],
    ['a long reference', '&#x0000000000000000041;', 'A'],
    ['an emoji', '\xf0\x9f\x98\x80', '😀'],
    ['DEL and C1, which XML allows', '\x7f\xc2\x9b', '\x7f\x9b'],
  ])('%s does not count as a repair', (_, sent, read) => {
    const document = bytes(name(sent))
    const entries = readEntries(document, new Set(['N']))
    expect(entries).toMatchObject({ dict: { N: read }, faults: new Map() })
    expect(readPlist(document)).toEqual({ N: read })
  })

  test.each([
    ['half a pair', 'a\ud800b', 'a�b', true],
    ['the other half', '\udc00', '�', true],
    ['halves around a control character', '\ud800\u0001\udc00', '���', true],
    ['U+FFFE beside half a pair', '\ufffe\udfff', '��', true],
    ['its own U+FFFD beside half a pair', '\ufffd\ud800', '��', true],
    ['a whole pair', '😀\ufffd', '😀�', false],
  ])('of UTF-16 with %s too', (_, sent, read, isRepaired) => {
    const little = utf16(name(sent))
    const big = Buffer.from(little).swap16()
    for (const document of [little, big]) {
      const { dict, faults } = readEntries(document, new Set(['N']))
      expect(dict).toEqual({ N: read })
      expect(faults.has('N')).toBe(isRepaired)
    }
  })

  test('of two values under a key the last counts, even a broken one', () => {
    const twice = (...values: string[]) =>
      readEntries(
        bytes(
          `<plist><dict>${values.map((value) => `<key>N</key>${value}`).join('')}</dict></plist>`,
        ),
        new Set(['N']),
      )
    const sound = twice('<integer>1</integer>', '<string>\xff</string>', '<string>a</string>')
    expect(sound).toMatchObject({ dict: { N: 'a' }, faults: new Map() })
    const broken = twice('<string>a</string>', '<integer>1</integer>')
    expect(broken.dict).toEqual({})
    expect(broken.faults.has('N')).toBe(true)
  })

  test('a second value under an id key is refused, whether the first can be read or not', () => {
    for (const first of ['<string>a</string>', '<integer>1</integer>', '<string>\xff</string>']) {
      const document = `<plist><dict><key>UDID</key>${first}<key>UDID</key><string>b</string></dict></plist>`
      expect(() => readEntries(bytes(document), new Set(['UDID']))).toThrow('duplicate key UDID')
    }
  })

  test('a break elsewhere is no fault of a key', () => {
    const document = bytes(
      '<plist><dict><key>N</key><string>\xef\xbf\xbd</string><key>\x01</key><string>\xff</string></dict></plist>',
    )
    expect(readEntries(document, new Set(['N'])).faults.size).toBe(0)
    expect(readPlist(document, 'device')).toEqual({ N: '�', '�': '�' })
  })

  test.each(['\uffff', '\ufffe'])(
    '%j is a fault of its key, with breaks in other places too',
    (sent) => {
      const text = `${name(sent)}<!-- \ud800 -->`
      const utf8 = Buffer.concat([Buffer.from(name(sent)), bytes('<!-- \xff -->')])
      for (const document of [utf8, utf16(text), Buffer.from(utf16(text)).swap16()]) {
        const { dict, faults } = readEntries(document, new Set(['N']))
        expect(dict).toEqual({ N: '�' })
        expect(faults.get('N')).toBe(FAULT)
      }
    },
  )

  test.each([
    ['an undefined entity', name('&nbsp;')],
    ['a bare ampersand', name('a & b')],
    ['a declaration in the DOCTYPE', `<!DOCTYPE plist [<!ENTITY a "b">]>${name('a')}`],
    ['a control character between elements', `<plist>\x01<dict/></plist>`],
    ['wrong nesting', '<plist><dict><key>a</key><array></dict></plist>'],
    ['a cut end', '<plist><dict><key>a</key><string>\x01'],
    ['a list at the top', '<plist><array/></plist>'],
    ['nothing', ''],
  ])('%s is refused, as in other documents', (_, document) => {
    expect(() => readEntries(bytes(document), new Set(['N']))).toThrow(PlistError)
  })
})

describe('a device’s value that has no meaning', () => {
  test('is read as its text', () => {
    const body = '<date>2026-02-30</date><integer>1\x02</integer><data>QQ</data><real>x</real>'
    const document = bytes(`<plist><array>${body}<true/></array></plist>`)
    expect(readPlist(document, 'device')).toEqual(['2026-02-30', '1�', 'QQ', 'x', true])
  })

  test.each([
    ['an integer', '<integer>1</integer>'],
    ['a malformed integer', '<integer>x</integer>'],
    ['a list', '<array><string>a</string></array>'],
    ['malformed data', '<data>QQ</data>'],
  ])('is a fault of its key: %s', (_, value) => {
    const document = bytes(`<plist><dict><key>N</key>${value}</dict></plist>`)
    const { dict, faults } = readEntries(document, new Set(['N']))
    expect(dict).toEqual({})
    expect(faults.get('N')).toBe('cannot be read as a string, data or a boolean')
  })

  test('counts at the top only where an id stands twice', () => {
    const twice = '<key>Status</key><string>a</string><key>Status</key><string>b</string>'
    const inner = bytes(
      `<plist><dict><key>N</key><true/><key>X</key><dict>${twice}</dict></dict></plist>`,
    )
    for (const reading of ['strict', 'device'] as const) {
      expect(readPlist(inner, reading)).toEqual({ N: true, X: { Status: 'b' } })
    }
    const outer = bytes(`<plist><dict>${twice}</dict></plist>`)
    expect(() => readEntries(outer, new Set(['Status']))).toThrow('duplicate key Status')
  })
})

describe('a device’s binary plist', () => {
  const N = string('N')
  const holding = (value: readonly number[], ...more: readonly (readonly number[])[]) =>
    binary([0xd2, 1, 2, 3, 4], N, string('X'), string('name'), value, ...more)

  test.each([
    ['half a pair', [0x61, 0xd8, 0x00], '�'],
    ['a control character', string('a\x1b'), 'a�'],
    ['its own U+FFFD', wide('�'), undefined],
    ['its own U+FFFD beside half a pair', [0x62, 0xff, 0xfd, 0xdc, 0x00], '��'],
    ['a byte that is not ASCII', [0x51, 0xff], '�'],
  ])('is repaired in its text: %s', (_, object, repaired) => {
    const document = binary([0xd1, 1, 2], N, object)
    const { dict, faults } = readEntries(document, new Set(['N']))
    expect(dict).toEqual({ N: repaired ?? '�' })
    expect(faults.has('N')).toBe(repaired !== undefined)
    expect(readPlist(document, 'device')).toEqual(dict)
  })

  test.each<[string, readonly number[], PlistValue?]>([
    ['null', [0x00]],
    ['a UID', [0x80, 1]],
    ['a set', [0xc1, 1]],
    ['a date that is no number', [0x33, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ['an integer beyond 64 bits', [0x14, ...Array<number>(16).fill(127)]],
    ['a list with null', [0xa2, 3, 5], ['name']],
  ])('leaves out %s, and is read', (_, object, left) => {
    const document = holding(object, [0x00])
    const rest = left === undefined ? { N: 'name' } : { N: 'name', X: left }
    expect(readPlist(document, 'device')).toEqual(rest)
    expect(readEntries(document, new Set(['N'])).dict).toEqual({ N: 'name' })
    expect(() => readPlist(document)).toThrow(PlistError)
  })

  test.each([
    ['a cycle', [0xa2, 4, 4]],
    ['a reference out of range', [0xa1, 99]],
    ['a length beyond the file', [0x4f, 0x13, 0x7f, 0, 0, 0, 0, 0, 0, 0]],
  ])('is read around %s', (_, object) => {
    const document = holding(object)
    expect(readPlistTop(document, new Set(['N']), 'device')).toEqual({ N: 'name' })
    const { dict, faults } = readEntries(document, new Set(['N', 'X']))
    expect(dict).toEqual({ N: 'name' })
    expect([...faults.keys()]).toEqual(['X'])
  })

  test('with an id twice is refused, at the top only', () => {
    const two = [0xd2, 1, 1, 2, 2]
    expect(() => readEntries(binary(two, string('UDID'), string('a')), new Set(['UDID']))).toThrow(
      'duplicate key UDID',
    )
    const inner = binary([0xd1, 3, 4], string('UDID'), string('a'), string('X'), two)
    expect(readPlist(inner)).toEqual({ X: { UDID: 'a' } })
  })

  test('of the same content gives the same entries', () => {
    const value = { N: 'é😀', D: new Uint8Array([1]), B: false, L: ['x'] }
    const document = new Uint8Array(buildBinary(value))
    const { dict, faults } = readEntries(document, new Set(['N', 'D', 'B', 'L']))
    expect(dict).toEqual({ N: value.N, D: value.D, B: false })
    expect([...faults.keys()]).toEqual(['L'])
  })
})

test('entries are found in their bytes, with any content', () => {
  const document = bytes(
    '\xef\xbb\xbf\n<plist><dict>\r\n<key>A</key><string>\xff\x01</string><!-- \xfe -->\n<key>&#66;</key><dict>' +
      '<key>C</key><data>!</data></dict> <key>D</key ><true/></dict></plist>\0',
  )
  expect(
    entrySpans(document).map(({ key, from, to }) => [key, bytesText(document.subarray(from, to))]),
  ).toEqual([
    ['A', '<key>A</key><string>\xff\x01</string>'],
    ['B', '<key>&#66;</key><dict><key>C</key><data>!</data></dict>'],
    ['D', '<key>D</key ><true/>'],
  ])
})

function bytesText(part: Uint8Array): string {
  return Buffer.from(part).toString('latin1')
}

test.each<[string, string, string]>([
  ['line ends', '\r\n', '\n'],
  ['references', '&#x1F600;', '😀'],
  ['characters that are none', '\0', '\ufffd'],
])('%s are read wherever they stand in a long text', (_, written, read) => {
  for (let before = 4090; before < 4100; before++) {
    const text = (part: string): string => 'a'.repeat(before) + part.repeat(4100)
    const document = new TextEncoder().encode(`<plist><string>${text(written)}</string></plist>`)
    expect(readPlist(document, 'device') === text(read)).toBe(true)
  }
})

test('the message names the place of a fault far inside a text', () => {
  const before = `<string>${'&lt;'.repeat(5000)}`
  const document = new TextEncoder().encode(`${before}&lt</string>`)
  expect(() => readPlist(document, 'device')).toThrow(`at offset ${before.length}`)
})
