import { expect, it } from 'vitest'
import { requireConfig } from '../../../src/config/config.ts'
import { testEvent } from '../../../src/events/event.ts'
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

it('a call that fails to post for the webhook counts as a receiver that is down', async () => {
  const fail = async () => Promise.reject(new Error('the text of another program'))
  const env = {
    API_KEY: 'secret',
    SEAL_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    WEBHOOK_URL: 'https://receiver.example.com/hook',
    WEBHOOK_CONCURRENCY: '24',
  }
  const subscription = { env, ctx: { exports: { Poster: { post: fail } } } }
  const [webhook] = requireConfig(env).webhooks
  const event = testEvent('event', 0, undefined)
  expect(
    webhook && (await postNow(subscription as unknown as Subscription, webhook, event, false)),
  ).toMatchObject({ kind: 'down', status: 0, reason: expect.not.stringContaining('program') })
})

function mapAsKv(kept: Map<string, unknown>): Pick<SyncKvStorage, 'get' | 'put'> {
  return {
    get: (key: string) => kept.get(key) as never,
    put: (key, value) => void kept.set(key, value),
  }
}
