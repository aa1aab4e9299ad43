import { expect, it } from 'vitest'
import { newLane } from '../../../src/webhooks/lane.ts'
import { wakeLane } from '../../../src/webhooks/pump.ts'
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

function mapAsKv(kept: Map<string, unknown>): Pick<SyncKvStorage, 'get' | 'put'> {
  return {
    get: (key: string) => kept.get(key) as never,
    put: (key, value) => void kept.set(key, value),
  }
}
