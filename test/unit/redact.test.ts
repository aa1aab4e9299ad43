import { expect, it } from 'vitest'
import { redacted } from '../../src/events/redact.ts'
import type { DeviceEvent } from '../../src/events/event.ts'
import type { Topic } from '../../src/events/topics.ts'
import { readPlist } from '../../src/plist/read.ts'
import { writePlist } from '../../src/plist/write.ts'

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
  expect({ ...(readPlist(redacted(event(topic, body)).body) as object) }).toEqual({ UDID: 'A' })
})

it('a message without tokens stays byte for byte', () => {
  const body = writePlist({ UDID: 'A', Status: 'Idle' })
  expect(redacted(event('mdm.Connect', body)).body).toBe(body)
  expect(redacted(event('mdm.TokenUpdate', body)).body).toBe(body)
})

it('a message with a token that cannot be read is not sent on', () => {
  const body = new TextEncoder().encode('<plist><dict><key>UnlockToken</key>')
  expect(redacted(event('mdm.TokenUpdate', body)).body).toHaveLength(0)
})
