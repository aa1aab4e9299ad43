import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { turn, turnTimers } from './clock.ts'
import { serve, until } from './server.ts'

const key = (password: string) => `Basic ${btoa(`micromdm:${password}`)}`
const call = (address: string, password: string, path = '/api/devices'): Promise<Response> =>
  serve(path, { headers: { authorization: key(password), 'cf-connecting-ip': address } })
const many = async (count: number, address: string): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, async () => (await call(address, 'wrong')).status))

/** Sends so many more than may wait, once these were refused. @returns the statuses, as they come */
async function fill(addresses: readonly string[], more: number): Promise<number[]> {
  const statuses: number[] = []
  for (const address of addresses) {
    for (let n = 0; n < 4; n += 1) {
      void call(address, 'wrong').then(({ status }) => statuses.push(status))
    }
  }
  const [last = ''] = addresses.slice(-1)
  for (let n = 0; n < more; n += 1) {
    void call(last, 'wrong').then(({ status }) => statuses.push(status))
  }
  await until(
    async () => statuses.length,
    (length) => length >= more,
  )
  return statuses
}

const warned = vi.spyOn(console, 'warn')
beforeEach(() => void warned.mockClear())
afterEach(() => {
  turn(60_000)
})
const logged = (): unknown[] =>
  warned.mock.calls
    .map(([line]) => JSON.parse(String(line)) as { event: string })
    .filter(({ event }) => event === 'auth:wrong-key')

it('wrong keys are refused at once, later slowly, and when too many wait at once again', async () => {
  expect(new Set(await many(20, '192.0.2.1'))).toEqual(new Set([401]))
  const statuses = await fill(['192.0.2.1'], 2)
  await turnTimers(900)
  expect(statuses).toEqual([429, 429])
  await turnTimers(100)
  await until(
    async () => statuses,
    ({ length }) => length === 6,
  )
  expect(statuses.slice(2)).toEqual([401, 401, 401, 401])
})

it('the right key passes at once meanwhile, and others’ wrong keys are not slowed', async () => {
  await many(20, '192.0.2.2')
  await fill(['192.0.2.2'], 1)
  expect((await call('192.0.2.2', 'secret')).status).toBe(200)
  expect((await call('192.0.2.3', 'wrong')).status).toBe(401)
  expect((await serve('/api/devices', {})).status).toBe(401)
  turn(60_000)
  expect(new Set(await many(20, '192.0.2.2'))).toEqual(new Set([401]))
})

it('a network of IPv6 counts as one source', async () => {
  for (let n = 0; n < 20; n += 1) {
    await call(`2001:db8:1:2::${n}`, 'wrong')
  }
  await fill(['2001:db8:1:2:ffff::1'], 1)
  expect((await call('2001:db8:1:2::99', 'wrong')).status).toBe(429)
  expect((await call('2001:db8:1:3::99', 'wrong')).status).toBe(401)
})

it('the answer says when to come again, in the words of the route', async () => {
  await many(20, '192.0.2.4')
  await fill(['192.0.2.4'], 1)
  const own = await call('192.0.2.4', 'wrong')
  expect([own.status, own.headers.get('retry-after')]).toEqual([429, '60'])
  expect(await own.json()).toMatchObject({ status: 429, title: 'Too Many Requests' })
  const micromdm = await call('192.0.2.4', 'wrong', '/v1/commands/A')
  expect(micromdm.status).toBe(429)
  expect(await micromdm.json()).toEqual({ error: expect.stringContaining('API key is wrong') })
})

it('answers that wait are bounded over all sources', async () => {
  const sources = Array.from({ length: 26 }, (_, n) => `198.51.100.${n}`)
  await Promise.all(sources.map((source) => many(20, source)))
  const statuses = await fill(sources, 0)
  await until(
    async () => statuses.length,
    (length) => length >= 4,
  )
  await turnTimers(100)
  expect(statuses).toEqual([429, 429, 429, 429])
})

it('a source is logged once a minute, with what came before', async () => {
  await many(7, '192.0.2.5')
  expect(logged()).toEqual([{ event: 'auth:wrong-key', from: '192.0.2.5' }])
  turn(60_000)
  await many(2, '192.0.2.5')
  expect(logged().slice(1)).toEqual([{ event: 'auth:wrong-key', from: '192.0.2.5', before: 7 }])
})
