import { createExecutionContext, runInDurableObject } from 'cloudflare:test'
import { afterEach, expect, it } from 'vitest'
import { noteFailure } from '../../src/http/access/failures.ts'
import { clock, turn } from './clock.ts'
import { signIn } from './keys-api-tools.ts'
import { env } from './server.ts'
import { newHook, removeHooks } from './webhook-tools.ts'

afterEach(removeHooks)

/** Wrong keys, as the gate sees them. */
async function wrongKeys(network: string, count: number): Promise<void> {
  const behind: Promise<unknown>[] = []
  const executionCtx = {
    ...createExecutionContext(),
    waitUntil: (work: Promise<unknown>) => behind.push(work),
  }
  for (let n = 0; n < count; n++) {
    noteFailure({ env, executionCtx } as unknown as Parameters<typeof noteFailure>[0], network)
  }
  await Promise.all(behind)
}

it('more than 200 wrong keys in an hour are one event, with the networks with the most', async () => {
  turn(3_600_000 - (clock.now() % 3_600_000))
  const since = new Date(clock.now()).toISOString()
  const hook = await newHook({ topics: ['auth.failing'] })
  await wrongKeys('198.51.100.1', 100)
  turn(60_000)
  await wrongKeys('203.0.113.7', 99)
  turn(60_000)
  await wrongKeys('203.0.113.7', 1)
  turn(60_000)
  await wrongKeys('203.0.113.7', 20)
  const [event] = (await hook.posts(1)).map(({ body }): object => JSON.parse(body))
  // At 200 there was none.
  const networks = { '203.0.113.7': 110, '198.51.100.1': 100 }
  expect(event).toMatchObject({
    topic: 'auth.failing',
    server_event: { since, failures: 210, networks },
  })
  turn(60_000)
  await wrongKeys('203.0.113.7', 500)
  turn(3_600_000)
  await wrongKeys('203.0.113.7', 100)
  expect(await hook.posts()).toHaveLength(1)
})

it('wrong keys of the console’s sign-in are counted too', async () => {
  turn(3_600_000)
  const from = { 'x-edgemdm': 'console', 'cf-connecting-ip': '192.0.2.9' }
  for (let n = 0; n < 10; n++) {
    await signIn(`wrong-${n}`, 'Ada', from)
  }
  turn(60_000)
  await wrongKeys('192.0.2.9', 1)
  const hour = await runInDurableObject(env.CONTROL.getByName('control'), (_, { storage }) =>
    storage.kv.get<{ networks: Record<string, number> }>('failures'),
  )
  expect(hour?.networks['192.0.2.9']).toBe(11)
})

it('wrong keys of very many networks stay one small value, and few calls', async () => {
  turn(3_600_000)
  let calls = 0
  const CONTROL = {
    getByName: () => ({
      noteFailures: async (counts: object) => {
        calls += 1
        expect(Object.keys(counts).length).toBeLessThan(102)
      },
    }),
  }
  const c = { env: { CONTROL }, executionCtx: createExecutionContext() }
  for (let n = 0; n < 5000; n++) {
    noteFailure(c as unknown as Parameters<typeof noteFailure>[0], `network-${n}`)
  }
  expect(calls).toBe(1)
  turn(60_000)
  noteFailure(c as unknown as Parameters<typeof noteFailure>[0], 'network')
  expect(calls).toBe(2)
  const control = env.CONTROL.getByName('control')
  for (let report = 0; report < 5; report++) {
    const entries = Array.from({ length: 100 }, (_, n) => [`${report} ${n}`, 1] as const)
    await control.noteFailures(Object.fromEntries(entries))
  }
  await runInDurableObject(control, (_, { storage: { kv } }) => {
    const hour = kv.get<{ total: number; networks: object }>('failures')
    expect(hour?.total).toBe(500)
    expect(Object.keys(hour?.networks ?? {})).toHaveLength(200)
  })
})
