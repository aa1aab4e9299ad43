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
