import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { clock } from './clock.ts'
import { api, enrolled, env, release, resetRules, rule, until } from './server.ts'
import { deadLetter, newHook, removeHooks, rowsOf, type Hook, cursorsOf } from './webhook-tools.ts'

afterEach(async () => {
  await resetRules()
  await removeHooks()
})

const HOUR = 3_600_000
const TOPICS = ['mdm.Authenticate', 'mdm.TokenUpdate']

const objectOf = (hook: Hook) => env.SUBSCRIBER.getByName(hook.id) as never
const kept = (hook: Hook): Promise<unknown[]> =>
  runInDurableObject(objectOf(hook), async (_, state: DurableObjectState) => [
    ...(await state.storage.list()).keys(),
  ])

/** The rest of the wait of a webhook. */
async function waits(hook: Hook): Promise<number> {
  const { next_try_at } = await hook.state()
  return typeof next_try_at === 'string' ? Date.parse(next_try_at) - clock.now() : 0
}

/**
 * A webhook whose receiver sent `Retry-After`, and a device with a waiting event that no memory has.
 */
async function quiet(retryAfter: string) {
  const hook = await newHook({ topics: ['mdm.Authenticate'] })
  await hook.answers(503, 1, { 'retry-after': retryAfter })
  const device = await enrolled()
  await hook.posts(1)
  await until(
    () => waits(hook),
    (ms) => ms > 60_000,
  )
  await evictDurableObject(objectOf(hook))
  return { hook, device }
}

describe('a wait that the receiver asked for', () => {
  it('survives a restart of the object, and is six hours at most', async () => {
    const { hook } = await quiet('864000')
    expect(await hook.state()).toMatchObject({ state: 'down', last_error: 'status 503' })
    expect(await waits(hook)).toBeGreaterThan(6 * HOUR - 60_000)
    expect(await waits(hook)).toBeLessThanOrEqual(6 * HOUR)
    // A pause comes before the wait in the state: also without the wait there are no posts.
    expect((await hook.call('pause')).body).toMatchObject({ state: 'paused', reason: null })
  })

  it.each([
    ['a test event that is accepted', (hook: Hook) => hook.call('test')],
    ['resume', (hook: Hook) => hook.call('resume')],
    ['a change', (hook: Hook) => api('PATCH', `/api/webhooks/${hook.id}`, { concurrency: 2 })],
  ])('is ended by %s, for all devices that waited', async (_, end) => {
    const { hook, device } = await quiet(new Date(clock.now() + 2 * HOUR).toUTCString())
    expect(await waits(hook)).toBeGreaterThan(HOUR)
    await end(hook)
    expect(await waits(hook)).toBe(0)
    expect(await hook.events(device.udid, 1)).toMatchObject([{ sequence: 1 }])
  })

  it('is not ended by a test event that fails', async () => {
    const { hook } = await quiet('7200')
    await hook.answers(500, 1)
    expect((await hook.call('test')).body).toMatchObject({ state: 'refused' })
    expect(await waits(hook)).toBeGreaterThan(HOUR)
  })
})

it('a new dead letter is logged under the documented name', async () => {
  const lines: string[] = []
  const spy = vi.spyOn(console, 'warn').mockImplementation((line: string) => lines.push(line))
  const { hook, device } = await deadLetter()
  spy.mockRestore()
  const [row] = await rowsOf<{ id: string }>(device.udid, 'SELECT id FROM events WHERE seq = 1')
  const given = lines.filter((line) => line.startsWith('{"event":"webhook:given-up"'))
  expect(given.map((line) => JSON.parse(line))).toMatchObject([
    { webhook: hook.id, event_id: row?.id, reason: 'status 500', total: 1 },
  ])
})

it('the counts and failures of a webhook survive a restart of its object', async () => {
  const hook = await newHook({ topics: ['mdm.Authenticate'] })
  await hook.answers(500, 1)
  await enrolled()
  await until(hook.state, ({ failed }) => failed === 1)
  await hook.call('pause')
  await evictDurableObject(objectOf(hook))
  expect(await hook.state()).toMatchObject({ failed: 1, last_error: 'status 500' })
  const { body } = await api('GET', `/api/webhooks/${hook.id}/posts`)
  expect(body['items']).toMatchObject([{ state: 'refused', status: 500 }])
})

it('only an Idle that waited too long is dropped, and it is counted', async () => {
  const settings = { statuses: null, max_idle_age_seconds: 1800 }
  const hook = await newHook({ topics: [...TOPICS, 'mdm.Connect'], ...settings })
  await hook.call('pause')
  const device = await enrolled()
  await device.poll()
  await rowsOf(device.udid, `UPDATE events SET at = at - ${HOUR}`)
  await device.poll()
  await hook.call('resume')
  const taken = await hook.events(device.udid, 3)
  expect(taken.map(({ sequence }) => sequence)).toEqual([1, 2, 4])
  expect(await hook.state()).toMatchObject({ dropped_idle: 1 })
  const states = async (): Promise<string[]> => {
    const path = `/api/devices/${device.udid}/deliveries?webhook_id=${hook.id}`
    const { body } = await api<{ items: { state: string }[] }>('GET', path)
    return body.items.map(({ state }) => state)
  }
  const settled = await until(states, (found) => !found.includes('waiting'))
  expect(settled).toEqual(['delivered', 'delivered', 'delivered', 'delivered'])
})

it('an event is still shown as delivered when the object has lost its posts', async () => {
  const hook = await newHook({ topics: ['mdm.Authenticate'] })
  const device = await enrolled()
  await hook.events(device.udid, 1)
  const list = async (path: string): Promise<unknown> => (await api('GET', path)).body['items']
  const deliveries = () => list(`/api/devices/${device.udid}/deliveries?webhook_id=${hook.id}`)
  const delivered = [expect.objectContaining({ state: 'delivered', sequence: 1 })]
  await until(deliveries, (items) => JSON.stringify(items).includes('delivered'))
  expect(await list(`/api/webhooks/${hook.id}/posts`)).toMatchObject([{ state: 'delivered' }])
  await evictDurableObject(objectOf(hook))
  expect(await list(`/api/webhooks/${hook.id}/posts`)).toEqual([])
  expect(await deliveries()).toEqual(delivered)
})

it('the alarm of an object that died with a backlog finds the devices that memory has lost', async () => {
  const hook = await newHook({ topics: TOPICS })
  await hook.call('pause')
  const device = await enrolled()
  await until(hook.state, (state) => state['devices_waiting'] === 1)
  await runInDurableObject(objectOf(hook), async (_, { storage }: DurableObjectState) => {
    storage.kv.put('paused', false)
    storage.kv.put('backlog', true)
    await storage.setAlarm(clock.now() + HOUR)
  })
  await evictDurableObject(objectOf(hook))
  expect(await runDurableObjectAlarm(objectOf(hook))).toBe(true)
  const taken = await hook.events(device.udid, 2)
  expect(taken.map(({ sequence }) => sequence)).toEqual([1, 2])
  await until(
    () => kept(hook),
    (keys) => !keys.includes('backlog'),
  )
})

describe('while a post is in flight', () => {
  /** A webhook with two events for it, the first of which is being posted. */
  async function posting() {
    const hook = await newHook({ topics: TOPICS })
    await rule({ on: 'webhook', match: hook.host, status: 200, times: 1, held: true })
    await hook.call('pause')
    const device = await enrolled()
    await until(hook.state, (state) => state['devices_waiting'] === 1)
    await hook.call('resume')
    await hook.posts(1)
    const told = () =>
      until(
        () => cursorsOf(device.udid),
        (cursors) => cursors.find(({ subscriber }) => subscriber === hook.id)?.seq === 1,
      )
    return { hook, device, told }
  }

  it('a webhook that is removed gets no more posts and leaves no rows', async () => {
    const { hook, told } = await posting()
    await api('DELETE', `/api/webhooks/${hook.id}`)
    await release()
    await told()
    expect(await hook.posts()).toHaveLength(1)
    expect(await kept(hook)).toEqual([])
  })

  it('a webhook that is disabled gets no more posts until it is enabled', async () => {
    const { hook, device, told } = await posting()
    await api('PATCH', `/api/webhooks/${hook.id}`, { enabled: false })
    await release()
    await told()
    await until(hook.state, (state) => state['posts_in_flight'] === 0)
    expect(await hook.posts()).toHaveLength(1)
    await api('PATCH', `/api/webhooks/${hook.id}`, { enabled: true })
    const taken = await hook.events(device.udid, 2)
    expect(taken.map(({ sequence }) => sequence)).toEqual([1, 2])
  })

  it('a secret that is replaced without an overlap signs no more posts', async () => {
    const { hook, device } = await posting()
    const { body } = await hook.call('secret', { overlap_seconds: 0 })
    await release()
    await hook.events(device.udid, 2)
    const posts = await hook.posts(2)
    const hmac = (secret: unknown, text = ''): string =>
      createHmac('sha256', String(secret)).update(text).digest('base64')
    expect(posts.map(({ headers }) => headers['x-hmac-signature'])).toEqual([
      hmac(hook.secret, posts[0]?.body),
      hmac(body['secret'], posts[1]?.body),
    ])
    expect(posts[1]?.headers['webhook-signature']?.split(' ')).toHaveLength(1)
  })
})
