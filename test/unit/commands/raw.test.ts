import { buildBinary } from 'plist'
import { describe, expect, test } from 'vitest'
import { readRawCommand } from '../../../src/commands/raw.ts'
import { writePlist } from '../../../src/plist/write.ts'

const INFO = '<key>RequestType</key><string>DeviceInformation</string>'
const ERASE = '<key>RequestType</key><string>EraseDevice</string>'
const raw = (content: string): string =>
  `<plist><dict><key>CommandUUID</key><string>c</string><key>Command</key><dict>${content}</dict></dict></plist>`

describe('a raw command', () => {
  test('is known by its UUID and type, and marked like a built one', () => {
    const payload = writePlist({ CommandUUID: 'c', Command: { RequestType: 'EraseDevice' }, x: 1 })
    expect(readRawCommand(payload)).toEqual({
      ok: true,
      command: { RequestType: 'EraseDevice' },
      faults: [],
      commandUUID: 'c',
      requestType: 'EraseDevice',
      secret: true,
      destructive: true,
    })
  })

  test.each([
    ['in a here-document', '\n<?xml version="1.0"?>\n'],
    [
      'with a stylesheet and a comment',
      '<!-- -- --><?xml-stylesheet href="x"?><?xml version="1.0"?>',
    ],
    ['with a PUBLIC id alone', '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN">'],
    ['with two declarations', '<?xml version="1.0"?><!DOCTYPE plist><?xml version="1.0"?>'],
  ])('may be written %s, and without <plist>', (_, before) => {
    const body =
      '<dict><key>CommandUUID</key><string>c</string><key>Command</key><dict><key>RequestType</key><string>DeviceLock</string></dict></dict>'
    for (const document of [`${before}<plist>${body}</plist>`, before + body]) {
      expect(readRawCommand(new TextEncoder().encode(document))).toMatchObject({
        ok: true,
        commandUUID: 'c',
        requestType: 'DeviceLock',
      })
    }
  })

  test('with an entity is refused, and so is a character that XML does not allow', () => {
    const body = '<dict><key>CommandUUID</key><string>&c;</string></dict>'
    for (const document of [
      `<!DOCTYPE plist [<!ENTITY c "c">]>${body}`,
      `<!DOCTYPE plist>${body}`,
      body.replace('&c;', '\x1b'),
      body.replace('&c;', '&#27;'),
    ]) {
      expect(readRawCommand(new TextEncoder().encode(document))).toMatchObject({
        ok: false,
        error: expect.stringMatching(/^parse payload as plist: plist: .* at offset \d+$/),
      })
    }
  })

  // CoreFoundation reads EraseDevice in each of them.
  test.each<[string, string]>([
    ['an instruction of one character', raw(`${INFO}<?>${ERASE}<?x?>`)],
    ['a tag that ends in quotes', raw(`${ERASE}<key a=">">RequestType</key><string>A</string>`)],
    [
      'an empty comment that ends later',
      `<!---->${raw(`${INFO}<key>x</key><string><![CDATA[-->${raw(ERASE)}]]></string>`)}`,
    ],
    [
      'a declaration without blank',
      `<?xmlx encoding="utf-7"?>${raw(`${INFO}<key>x</key><string>+ADw-/string+AD4-</string>`)}`,
    ],
    [
      'two encodings',
      `<?xml encoding ="utf-8" encoding="utf-7"?>${raw(`${INFO}<key>x</key><string>+ADw-</string>`)}`,
    ],
    ['a second document', raw(ERASE) + raw(INFO)],
    ['a <plist> in another', `<plist>${raw(ERASE)}</plist>`],
  ])('that hides its type by %s is refused', (_, document) => {
    expect(readRawCommand(new TextEncoder().encode(document)).ok).toBe(false)
  })

  test.each<[string, string]>([
    ['twice', INFO + ERASE],
    ['with references', '<key>&#x52;equestType</key><string>&#69;raseDevice</string>'],
    ['with CDATA', '<key>Request<![CDATA[Type]]></key><string>Erase<![CDATA[Device]]></string>'],
    ['with byte order marks', '<key>\ufeffRequestType</key><string>\ufeffEraseDevice</string>'],
  ])('that writes its type %s has the one that a device reads', (_, content) => {
    expect(readRawCommand(new TextEncoder().encode(raw(INFO + content)))).toMatchObject({
      ok: true,
      requestType: 'EraseDevice',
      destructive: true,
    })
  })

  test('of an unknown type is accepted, and counts as secret', () => {
    const payload = writePlist({ CommandUUID: 'c', Command: { RequestType: 'New' } })
    expect(readRawCommand(payload)).toMatchObject({ ok: true, requestType: 'New', secret: true })
  })

  test.each([
    [{ Command: { RequestType: 'ProfileList' } }],
    [{ CommandUUID: 'c' }],
    [{ CommandUUID: 'c', Command: {} }],
    [{ CommandUUID: '', Command: { RequestType: 'ProfileList' } }],
  ])('without UUID or type is malformed: %j', (value) => {
    expect(readRawCommand(writePlist(value))).toEqual({ ok: false, error: 'request is malformed' })
  })

  test.each<[string, Uint8Array]>([
    ['no plist', new TextEncoder().encode('x')],
    ['nothing', new Uint8Array()],
    ['a binary plist', new Uint8Array(buildBinary({ CommandUUID: 'c' }))],
    ['a list', writePlist([])],
    ['a mistyped UUID', writePlist({ CommandUUID: 1, Command: { RequestType: 'x' } })],
    ['a mistyped command', writePlist({ CommandUUID: 'c', Command: 'x' })],
  ])('that is %s cannot be parsed', (_, bytes) => {
    const result = readRawCommand(bytes)
    expect(result.ok ? 'accepted' : result.error).toMatch(/^parse payload as plist: plist: /)
  })
})
