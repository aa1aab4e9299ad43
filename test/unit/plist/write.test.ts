import * as fc from 'fast-check'
import { parse } from 'plist'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { PlistError } from '../../../src/plist/error.ts'
import { readPlist, readPlistTop } from '../../../src/plist/read.ts'
import type { PlistValue } from '../../../src/plist/value.ts'
import { writePlist, writePlistText } from '../../../src/plist/write.ts'

const HEAD =
  '<?xml version="1.0" encoding="UTF-8"?>\n' +
  '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n' +
  '<plist version="1.0">'

const xmlText = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((text) => text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, ''))
const seconds = fc
  .integer({ min: -60_000_000_000, max: 250_000_000_000 })
  .map((value) => new Date(value * 1000))
const leaf: fc.Arbitrary<PlistValue> = fc.oneof(
  xmlText,
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((n) => n + 0),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.uint8Array({ maxLength: 20 }),
  seconds,
)
const tree = fc.letrec<{ value: PlistValue; dict: Record<string, PlistValue> }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('dict'),
  ),
  dict: fc.dictionary(fc.oneof(xmlText, fc.constantFrom('9', '10', '__proto__')), tie('value'), {
    noNullPrototype: false,
    maxKeys: 4,
  }),
}))

describe('the bytes on the wire', () => {
  test('are MicroMDM’s: head on two lines, keys in byte order, one newline at the end', () => {
    const command = { RequestType: 'DeviceLock', PIN: '123456', eSIM: '', iTunes: 1 }
    expect(writePlistText({ CommandUUID: 'u', Command: command })).toBe(
      `${HEAD}<dict><key>Command</key><dict><key>PIN</key><string>123456</string>` +
        '<key>RequestType</key><string>DeviceLock</string><key>eSIM</key><string></string>' +
        '<key>iTunes</key><integer>1</integer></dict><key>CommandUUID</key><string>u</string></dict></plist>\n',
    )
  })

  test.each<[string, PlistValue, string]>([
    ['empty data', new Uint8Array(), '<data></data>'],
    ['empty containers', [[], {}], '<array><array></array><dict></dict></array>'],
    ['an empty key', { '': true }, '<dict><key></key><true/></dict>'],
    [
      'escapes',
      { '<&>': '<&>"\r' },
      '<dict><key>&lt;&amp;&gt;</key><string>&lt;&amp;&gt;"&#xD;</string></dict>',
    ],
    ['a date without milliseconds', new Date(1234), '<date>1970-01-01T00:00:01Z</date>'],
    ['a bigint', 2n ** 63n, '<integer>9223372036854775808</integer>'],
    ['a real', -1.5, '<real>-1.5</real>'],
    [
      'number-like keys',
      { '9': 1, '10': 2 },
      '<dict><key>10</key><integer>2</integer><key>9</key><integer>1</integer></dict>',
    ],
    [
      'keys beyond the BMP last',
      { '\u{1f600}': 1, '\ufffd': 2 },
      '<dict><key>\ufffd</key><integer>2</integer><key>\u{1f600}</key><integer>1</integer></dict>',
    ],
    [
      'text that looks like our own marks',
      ['<key>.', '<string/>'],
      '<array><string>&lt;key&gt;.</string><string>&lt;string/&gt;</string></array>',
    ],
  ])('%s', (_, value, body) => {
    expect(writePlistText(value)).toBe(`${HEAD}${body}</plist>\n`)
  })
})

describe('a value that XML cannot hold is refused', () => {
  let deep: PlistValue = []
  for (let i = 0; i < 128; i++) deep = [deep]

  test.each<[string, PlistValue]>([
    ['a control character', 'a\u0000'],
    ['a control character in a key', { 'a\u000b': 1 }],
    ['a lone surrogate', '\ud800'],
    ['U+FFFE', '\ufffe'],
    ['an integer that lost digits', 2 ** 53],
    ['2^64', 2n ** 64n],
    ['NaN', Number.NaN],
    ['an invalid date', new Date(Number.NaN)],
    ['the year 10000', new Date('+010000-01-01T00:00:00Z')],
    ['129 levels', deep],
  ])('%s', (_, value) => {
    expect(() => writePlist(value)).toThrow(PlistError)
  })
})

describe('for any value', () => {
  test('writing and reading gives it back', () => {
    fc.assert(
      fc.property(tree.value, (value) => {
        expect(readPlist(writePlist(value))).toEqual(value)
      }),
    )
  })

  test('the plist package reads the same from our bytes', () => {
    const plain = fc.letrec<{ value: PlistValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        // Its DOM ends lines at these too, U+2029 even beyond what XML 1.1 does.
        xmlText.map((text) => text.replace(/[\r\u0085\u2028\u2029]/g, '')),
        fc.boolean(),
        fc.maxSafeInteger(),
        seconds,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.stringMatching(/^[a-z0-9<&]{1,6}$/), tie('value'), {
          noNullPrototype: true,
        }),
      ),
    }))
    fc.assert(
      fc.property(plain.value, (value) => {
        const text = writePlistText({ value })
        expect(parse(text)).toEqual(readPlist(new TextEncoder().encode(text)))
      }),
    )
  })

  test('a shallow read equals the full one on the chosen keys', () => {
    fc.assert(
      fc.property(tree.dict, fc.func(fc.boolean()), (dict, choose) => {
        const keys = Object.keys(dict).filter(choose)
        const chosen = readPlistTop(writePlist(dict), new Set(keys))
        expect(Object.keys(chosen).sort()).toEqual(keys.sort())
        for (const key of keys) expect(chosen[key]).toEqual(dict[key])
      }),
    )
  })

  test('a damaged document is read or refused, and shallow and full read agree about structure', () => {
    fc.assert(
      fc.property(
        tree.dict,
        fc.nat(),
        fc.nat(40),
        fc.constantFrom(
          '',
          '<',
          '>',
          '&',
          '</dict>',
          '<key>',
          '<!--',
          ']]>',
          '<![CDATA[',
          '/',
          '\u0000',
        ),
        (dict, where, cut, insertion) => {
          const text = writePlistText(dict)
          const at = where % text.length
          const bytes = new TextEncoder().encode(
            text.slice(0, at) + insertion + text.slice(at + cut),
          )
          const full = outcome(() => readPlist(bytes))
          const shallow = outcome(() => readPlistTop(bytes, new Set()))
          if (full === 'read') expect(shallow).toBe('read')
        },
      ),
      { numRuns: 200 },
    )
  })
})

function outcome(read: () => unknown): string {
  try {
    read()
    return 'read'
  } catch (error) {
    expect(error).toBeInstanceOf(PlistError)
    return 'refused'
  }
}

describe('the build for Workers', () => {
  afterEach(() => {
    vi.doUnmock('plist')
    vi.resetModules()
  })

  test('gives the same bytes as the one for Node', async () => {
    vi.resetModules()
    vi.doMock('plist', () => import('../../../node_modules/plist/dist/build.browser.js'))
    const worker = await import('../../../src/plist/write.ts')
    fc.assert(
      fc.property(tree.value, (value) => {
        expect(worker.writePlistText(value)).toBe(writePlistText(value))
      }),
    )
  })
})
