import { describe, expect, it, vi } from 'vitest'
import { requireConfig } from '../../../src/config/config.ts'
import { testEvent, type DeviceEvent } from '../../../src/events/event.ts'
import { newLane } from '../../../src/webhooks/lane.ts'
import { postNow, wakeLane } from '../../../src/webhooks/pump.ts'
import type { Subscription } from '../../../src/webhooks/subscription.ts'

it('memory holds the ids of 100,000 devices, and a walk over all devices finds the others', () => {
  const kept = new Map<string, unknown>()
  const lane = newLane(4)
  const subscription = {
    id: 'webhook',
    lane,
    ctx: { storage: { kv: mapAsKv(kept) }, waitUntil: () => undefined },
    settings: { current: async () => undefined },
    removed: false,
  } as unknown as Subscription
  for (let batch = 0; batch < 1000; batch++) {
    wakeLane(
      subscription,
      Array.from({ length: 100 }, (_, n) => `${batch}-${n}`),
    )
  }
  expect(lane.ready.size).toBe(100_000)
  expect(kept.has('walk')).toBe(false)
  wakeLane(subscription, ['one more'])
  expect(lane.ready.size).toBe(100_000)
  expect(kept.get('walk')).toBe('')
})

describe('posts that are calls of their own', () => {
  const env = {
    API_KEY: 'test-key',
    SEAL_KEYS: `test:${Buffer.alloc(32, 'a key').toString('base64')}`,
    WEBHOOK_URL: 'https://receiver.example.com/hook',
    WEBHOOK_CONCURRENCY: '24',
  }
  const fail = async () => Promise.reject(new Error('the text of another program'))
  const subscription = { env, ctx: { exports: { Poster: { post: fail } } } }
  const [webhook] = requireConfig(env).webhooks
  const postOne = async (event: DeviceEvent) =>
    webhook && postNow(subscription as unknown as Subscription, webhook, event, false)

  it('count as a receiver that is down when the call fails', async () => {
    expect(await postOne(testEvent('event', 0, undefined))).toMatchObject({
      kind: 'down',
      status: 0,
      reason: expect.not.stringContaining('program'),
    })
  })

  it('are made without a call when the event is longer than a call takes', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response())
    const enrollment = { type: 'Device', device: 'D', user: '' } as const
    const outcome = await postOne({
      sequence: 1,
      id: 'long',
      topic: 'mdm.Connect',
      at: 0,
      about: { enrollment, params: {} },
      body: new Uint8Array(8_000_000),
    })
    expect(outcome).toMatchObject({ kind: 'delivered' })
    expect(fetched).toHaveBeenCalledOnce()
    fetched.mockRestore()
  })
})

function mapAsKv(kept: Map<string, unknown>): Pick<SyncKvStorage, 'get' | 'put'> {
  return {
    get: (key: string) => kept.get(key) as never,
    put: (key, value) => void kept.set(key, value),
  }
}
