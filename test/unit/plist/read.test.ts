import { describe, expect, test } from 'vitest'
import { PlistError } from '../../../src/plist/error.ts'
import { readPlist, readPlistTop } from '../../../src/plist/read.ts'

const utf8 = new TextEncoder()

function read(body: string): unknown {
  return readPlist(utf8.encode(`<plist version="1.0">${body}</plist>`))
}

function nested(open: string, close: string, depth: number): string {
  return open.repeat(depth) + close.repeat(depth)
}

describe('a document', () => {
  test.each<[string, string, unknown]>([
    ['white space in strings is kept', '<string> a\n b </string>', ' a\n b '],
    ['CRLF and CR become LF', '<string>a\r\nb\rc</string>', 'a\nb\nc'],
    ['a referenced CR stays', '<string>a&#13;&#xA;b</string>', 'a\r\nb'],
    ['CDATA is literal', '<string>x<![CDATA[<a>&amp;]]>y</string>', 'x<a>&amp;y'],
    ['comments join their neighbours', '<string>Check<!-- - -->Out</string>', 'CheckOut'],
    ['a processing instruction is skipped', '<?p x?><string>a<?p?>b</string>', 'ab'],
    ['attributes are ignored', '<string xml:space="preserve" a=\'\' >a</string >', 'a'],
    ['<string/> is empty', '<string/>', ''],
    ['<data/> is no bytes', '<data/>', new Uint8Array()],
    ['<array/> is empty', '<array/>', []],
    ['<true></true> is true', '<true> <!-- --> </true>', true],
    ['false', '<false/>', false],
    ['base64 with white space', '<data>\n\tQU\r\nJD\n\tRA= =\n</data>', utf8.encode('ABCD')],
    ['hexadecimal', '<integer>-0x1F</integer>', -31],
    ['white space around numbers', '<integer> 7\n</integer>', 7],
    ['minus zero is zero', '<integer>-0</integer>', 0],
    ['real minus zero is zero', '<real>-0.0</real>', 0],
    ['2^53 − 1 is a number', '<integer>9007199254740991</integer>', 9007199254740991],
    ['2^53 is a bigint', '<integer>9007199254740992</integer>', 9007199254740992n],
    ['2^64 − 1', '<integer>18446744073709551615</integer>', 18446744073709551615n],
    ['−2^63', '<integer>-9223372036854775808</integer>', -9223372036854775808n],
    ['hexadecimal 2^64 − 1', '<integer>0xFFFFFFFFFFFFFFFF</integer>', 18446744073709551615n],
    ['nan', '<real>nan</real>', Number.NaN],
    ['-infinity', '<real>-infinity</real>', Number.NEGATIVE_INFINITY],
    ['.5e-3', '<real>.5e-3</real>', 0.0005],
    ['distant past', '<date>0001-01-01T00:00:00Z</date>', new Date('0001-01-01T00:00:00Z')],
    ['leap day', '<date>2028-02-29T23:59:59Z</date>', new Date('2028-02-29T23:59:59Z')],
    [
      'the last of two equal keys wins',
      '<dict><key>a</key><true/><key>a</key><false/></dict>',
      {
        a: false,
      },
    ],
    ['128 levels', nested('<array>', '</array>', 128), expect.anything()],
  ])('%s', (_, body, expected) => {
    expect(read(body)).toEqual(expected)
  })

  test('prototype names are plain keys and pollute nothing', () => {
    const dict = readPlist(
      utf8.encode(
        '<plist><dict><key>__proto__</key><dict><key>polluted</key><true/></dict>' +
          '<key>constructor</key><string>c</string></dict></plist>',
      ),
    )
    expect(Object.keys(dict)).toEqual(['__proto__', 'constructor'])
    expect('polluted' in {}).toBe(false)
    expect(Object.getPrototypeOf(dict)).toBeNull()
  })

  test.each<[string, string]>([
    ['an empty line', '\n<?xml version="1.0"?>\n<plist><true/></plist>'],
    ['a byte order mark and white space', '\ufeff\r\n \t<plist><true/></plist>'],
    ['comments first', '<!-- a -- b ---><!-- --><?xml version="1.0"?><plist><true/></plist>'],
    ['a stylesheet', '<!-- --><?xml-stylesheet href="a" encoding="x"?><plist><true/></plist>'],
    ['a second declaration', '<!DOCTYPE plist><?xml version="1.0"?><plist><true/></plist>'],
    ['instructions inside', '<plist><?xml version="1.0"?><?a?><true/><?b?></plist><?c?>'],
    ['two DOCTYPEs', '<!DOCTYPE a><!-- --><!DOCTYPE plist><plist><true/></plist>'],
    ['no <plist>', '<?xml version="1.0"?><true/>'],
    ['no <plist>, and an end', '<!-- --><true></true>\n<!-- -->'],
    ['what a C string ends with', '<plist><true/></plist>\n\0\0'],
    ['what a file of DOS ends with', '<plist><true/></plist>\r\n\x1a'],
    ['a control character in a comment', '<plist><!-- \x1b --><true/></plist>'],
  ])('%s around the value', (_, document) => {
    expect(readPlist(utf8.encode(document))).toBe(true)
    expect(readPlist(utf8.encode(document), 'device')).toBe(true)
  })

  test('a comment in another encoding is skipped', () => {
    const document = Buffer.from('<plist><!-- f\xfcr B\xfcros --><true/></plist>', 'latin1')
    expect(readPlist(document)).toBe(true)
  })

  test('any DOCTYPE without declarations is accepted and nothing is fetched', () => {
    for (const doctype of [
      '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN""http://x/y.dtd">',
      '<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN">',
      '<!DOCTYPE PropertyList SYSTEM\n"x">',
      '<!DOCTYPE html>',
      '<!DOCTYPE plist>',
      '<!DOCTYPE plist SYSTEM "file://localhost/System/Library/DTDs/PropertyList.dtd">',
      "<!DOCTYPE plist PUBLIC '-//Apple Computer//DTD PLIST 1.0//EN' 'http://x/y.dtd' >",
    ]) {
      expect(readPlist(utf8.encode(`${doctype}<plist><true/></plist>`))).toBe(true)
    }
  })
})

describe('a document is refused for', () => {
  test.each<[string, string]>([
    ['an unknown element', '<plist><set/></plist>'],
    ['two roots', '<plist><true/><true/></plist>'],
    ['no root', '<plist/>'],
    ['no element of a plist', '<html/>'],
    ['text after the end', '<plist><true/></plist>x'],
    ['text between elements', '<plist><array>x<true/></array></plist>'],
    ['text inside true', '<plist><true>x</true></plist>'],
    ['an element inside a string', '<plist><string><b/></string></plist>'],
    ['a wrong closing tag', '<plist><array></dict></plist>'],
    ['a key as value', '<plist><dict><key>a</key><key>b</key></dict></plist>'],
    ['upper-case names', '<plist><Dict/></plist>'],
    ['129 levels', `<plist>${nested('<array>', '</array>', 129)}</plist>`],
    ['100,000 levels', `<plist>${'<array>'.repeat(100_000)}`],
    ['a foreign encoding', '<?xml version="1.0" encoding="latin1"?><plist><true/></plist>'],
    ['an XML declaration of another encoding further down', '\n<?xml encoding="x"?><true/>'],
    ['a NUL before the end', '<plist><true/>\0</plist>'],
    ['text behind a NUL', '<plist><true/></plist>\0x'],
    ['a DTD subset', '<!DOCTYPE plist []><plist><true/></plist>'],
    ['a control character', '<plist><string>\u0001</string></plist>'],
    ['a reference to a control character', '<plist><string>&#1;</string></plist>'],
    ['a reference to a surrogate', '<plist><string>&#xD800;</string></plist>'],
    ['a reference beyond Unicode', '<plist><string>&#x110000;</string></plist>'],
    ['a reference without end', '<plist><string>&amp</string></plist>'],
    ['an entity in an attribute', '<plist a="&x;"><true/></plist>'],
    ['missing padding', '<plist><data>QUI</data></plist>'],
    ['excess padding', '<plist><data>QUI==</data></plist>'],
    ['the URL alphabet', '<plist><data>-_-_</data></plist>'],
    ['an empty integer', '<plist><integer/></plist>'],
    ['2^64', '<plist><integer>18446744073709551616</integer></plist>'],
    ['below −2^63', '<plist><integer>-9223372036854775809</integer></plist>'],
    ['a megabyte of digits', `<plist><integer>${'9'.repeat(1_000_000)}</integer></plist>`],
    ['a malformed real', '<plist><real>1.2.3</real></plist>'],
    ['30 February', '<plist><date>2026-02-30T00:00:00Z</date></plist>'],
    ['hour 24', '<plist><date>2026-02-03T24:00:00Z</date></plist>'],
    ['a date with offset', '<plist><date>2026-02-03T00:00:00+01:00</date></plist>'],
    ['milliseconds', '<plist><date>2026-02-03T00:00:00.000Z</date></plist>'],
  ])('%s', (_, document) => {
    expect(() => readPlist(utf8.encode(document))).toThrow(PlistError)
  })

  test.each(['UDID', 'EnrollmentID', 'UserID', 'EnrollmentUserID', 'CommandUUID', 'Status'])(
    'a second %s, with any keys requested',
    (key) => {
      const entry = `<key>${key}</key><string>x</string>`
      const document = utf8.encode(`<plist><dict>${entry}${entry}</dict></plist>`)
      expect(() => readPlist(document)).toThrow(`duplicate key ${key}`)
      expect(() => readPlistTop(document, new Set([key]))).toThrow(`duplicate key ${key}`)
    },
  )

  test('bytes that are not UTF-8', () => {
    const document = utf8.encode('<plist><string>..</string></plist>')
    document[15] = 0xff
    expect(() => readPlist(document)).toThrow(
      'plist: bytes that are no text, or a character that XML does not allow, in <string> at offset 15',
    )
  })

  test('a fault whose place the message names', () => {
    expect(() => read('<integer>x</integer>')).toThrow('plist: malformed <integer> at offset 30')
  })
})

describe('a shallow read', () => {
  test('refuses illegal structure and entities in values that it skips', () => {
    for (const value of [
      '<string>&nbsp;</string>',
      '<dict><string/></dict>',
      '<array><foo/></array>',
      '<array><true/>',
      nested('<array>', '</array>', 128),
    ]) {
      const document = utf8.encode(`<plist><dict><key>a</key>${value}</dict></plist>`)
      expect(() => readPlistTop(document, new Set(['b']))).toThrow(PlistError)
    }
  })

  test('does not decode what it skips', () => {
    const document = utf8.encode('<plist><dict><key>a</key><data>!</data></dict></plist>')
    expect(readPlistTop(document, new Set(['b']))).toEqual({})
  })
})
