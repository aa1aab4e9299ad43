import { describe, expect, it } from 'vitest'
import { redacted } from '../../../src/events/redact.ts'
import { type DeviceEvent, renderEvent } from '../../../src/events/event.ts'
import type { Topic } from '../../../src/events/topics.ts'
import { readPlist } from '../../../src/plist/read.ts'
import { writePlist } from '../../../src/plist/write.ts'
import { binary, string, wide } from '../../devices/binary-plist.ts'

const about = { enrollment: { type: 'Device', device: 'A', user: '' }, params: {} } as const

function event(topic: Topic, body: Uint8Array): DeviceEvent {
  return { sequence: 1, id: 'e', topic, at: 0, about, body }
}

it.each([
  ['mdm.TokenUpdate', 'UnlockToken'],
  ['mdm.SetBootstrapToken', 'BootstrapToken'],
  ['mdm.Connect', 'UnlockToken'],
] as const)('%s loses its %s and nothing else', (topic, token) => {
  const body = writePlist({ UDID: 'A', [token]: new Uint8Array(8), __proto__: 'x' })
  const cut = redacted(event(topic, body))
  expect({ ...(readPlist(cut.body) as object) }).toEqual({ UDID: 'A' })
  expect(cut.redacted).toEqual([token])
})

it('a message without tokens stays byte for byte', () => {
  const body = writePlist({ UDID: 'A', Status: 'Idle' })
  expect(redacted(event('mdm.Connect', body)).body).toBe(body)
  expect(redacted(event('mdm.TokenUpdate', body)).body).toBe(body)
})

const TOKEN = '<key>UnlockToken</key>\r\n\t<data>QUJD</data>'
const head = '<?xml version="1.0"?>\r\n<plist><dict>\r\n<key>UDID</key><string>A</string>'

it.each([
  ['as it is', TOKEN],
  ['twice', `${TOKEN}${TOKEN}`],
  ['under a key with a reference', '<key>Unlock&#84;oken</key><data>QUJD</data>'],
  ['of another type', '<key>UnlockToken</key><array><data>QUJD</data></array>'],
  ['that is no base64', '<key>UnlockToken</key><data>QUJD!</data>'],
])('a token %s is cut out, and every other byte stays', (_, token) => {
  const before = `\xef\xbb\xbf\n<!-- -- \xff -->${head}<key>DeviceName</key><string>a\x1b\xed\xa0\x80]]>&#0;</string>`
  const after = `<key>X</key><array><date>never</date><real>nan</real></array> </dict></plist>\n\0`
  const cut = redacted(event('mdm.TokenUpdate', Buffer.from(before + token + after, 'latin1')))
  expect(Buffer.from(cut.body).toString('latin1')).toBe(before + after)
  expect(cut.redacted).toEqual(['UnlockToken'])
})

it('UTF-16 is rewritten as XML', () => {
  const text = `${head}${TOKEN}<key>N</key><string>é\ud800</string></dict></plist>`
  const cut = redacted(event('mdm.Connect', Buffer.from(`\ufeff${text}`, 'utf16le')))
  expect({ ...(readPlist(cut.body) as object) }).toEqual({ UDID: 'A', N: 'é�' })
  expect(cut.redacted).toEqual(['UnlockToken'])
})

describe('a binary message', () => {
  const UDID = string('UDID')
  const token = [string('UnlockToken'), [0x41, 0x53]]
  const holding = (...value: readonly number[][]) =>
    binary([0xd3, 1, 3, 5, 2, 4, 6], UDID, string('A'), ...token, string('X'), ...value)

  it('is rewritten without the values that XML cannot hold', () => {
    const cut = redacted(event('mdm.Connect', holding(string('x'))))
    expect({ ...(readPlist(cut.body) as object) }).toEqual({ UDID: 'A', X: 'x' })
    expect(cut.redacted).toEqual(['UnlockToken'])
    const hidden = binary([0xd1, 1, 2], wide('UnlockToken'), [0x41, 0x53])
    expect(redacted(event('mdm.Connect', hidden)).redacted).toEqual(['UnlockToken'])
    const nan = redacted(event('mdm.Connect', holding([0x23, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0])))
    expect({ ...(readPlist(nan.body) as object) }).toEqual({ UDID: 'A' })
    expect(nan.redacted).toEqual(['UnlockToken', 'raw_payload'])
  })

  it('keeps the keys of a message even around a cycle', () => {
    const cut = redacted(event('mdm.Connect', holding([0xa2, 6, 6])))
    expect({ ...(readPlist(cut.body) as object) }).toEqual({ UDID: 'A' })
    expect(cut.redacted).toEqual(['UnlockToken', 'raw_payload'])
  })

  it('stays byte for byte without a token', () => {
    const body = binary([0xd1, 1, 2], UDID, [0xa2, 2, 2])
    expect(redacted(event('mdm.Connect', body))).toEqual(event('mdm.Connect', body))
  })
})

it('a message with a token that cannot be read is not sent on, and the event says so', () => {
  const body = new TextEncoder().encode('<plist><dict><key>UnlockToken</key>')
  const cut = redacted(event('mdm.TokenUpdate', body))
  expect(cut.body).toHaveLength(0)
  expect(JSON.parse(renderEvent(cut))).toMatchObject({
    checkin_event: { raw_payload: '', redacted: ['raw_payload'] },
  })
})

it('an event names the parts that were cut out of it, if there are any', () => {
  const body = writePlist({ UDID: 'A', UnlockToken: new Uint8Array(8) })
  for (const topic of ['mdm.Connect', 'mdm.TokenUpdate'] as const) {
    const part = topic === 'mdm.Connect' ? 'acknowledge_event' : 'checkin_event'
    expect(JSON.parse(renderEvent(redacted(event(topic, body))))).toMatchObject({
      [part]: { redacted: ['UnlockToken'] },
    })
    expect(renderEvent(event(topic, body))).not.toContain('redacted')
  }
})
