import { buildBinary } from 'plist'
import { describe, expect, test } from 'vitest'
import { readRawCommand } from '../../../src/commands/raw.ts'
import { writePlist } from '../../../src/plist/write.ts'

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

  test('of an unknown type is accepted, and taken for secret', () => {
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
