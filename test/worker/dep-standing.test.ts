import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { clock, turn } from './clock.ts'
import { Apple } from './dep-apple.ts'
import { DAY, HOUR, MINUTE, newAccount, newToken, serials, watchEvents } from './dep-tools.ts'

let apple: Apple

beforeEach(() => {
  apple = new Apple()
})
afterEach(() => {
  vi.restoreAllMocks()
})

const ACCOUNT = { method: 'GET', path: '/account' } as const
const TERMS = { status: 403, body: '{"code":"T_C_NOT_SIGNED"}' }

it.each(['/session', '/devices/sync'])(
  'terms that a person has to accept are told once, tried hourly, and clear by themselves: %s',
  async (path) => {
    const events = watchEvents()
    const account = await newAccount()
    await account.sync()
    apple.sessions.clear()
    apple.fault({ path, times: 3, ...TERMS })
    apple.calls.length = 0
    await account.pass(10 * MINUTE)
    expect(await account.stub.status()).toMatchObject({ flag: 'terms' })
    const count = apple.calls.length
    await account.pass(45 * MINUTE)
    expect(apple.calls).toHaveLength(count)
    await account.pass(3 * HOUR)
    expect(await account.stub.status()).toMatchObject({ flag: '', since: 0 })
    expect(events.of(account.id, 'dep.account')).toMatchObject([
      { flag: 'terms', before: '' },
      { flag: '', before: 'terms' },
    ])
  },
)

it.each([401, 403])(
  'a token that Apple rejects with %s stops its account alone',
  async (status) => {
    const events = watchEvents()
    const [account, other] = [await newAccount(), await newAccount()]
    apple.fault({ path: '/session', times: 2, status, body: 'token_rejected' })
    expect(await account.sync()).toMatchObject({
      kind: 'refused',
      answer: { at: 'session', status },
    })
    expect(await account.stub.status()).toMatchObject({ flag: 'token_invalid', since: clock.now() })
    const count = apple.calls.length
    const calls = await Promise.all([1, 2, 3].map(() => account.stub.call(ACCOUNT)))
    expect(calls).toMatchObject([{ status }, { status }, { status }])
    expect(apple.calls).toHaveLength(count)
    expect(events.of(account.id, 'dep.account')).toMatchObject([{ flag: 'token_invalid' }])
    apple.fault({ path: '/session', times: 0 })
    turn(MINUTE)
    await account.stub.call(ACCOUNT)
    turn(MINUTE)
    expect(await other.sync()).toMatchObject({ kind: 'done' })
  },
)

it('another token clears the flag, and keeps the cursor', async () => {
  const account = await newAccount()
  await account.sync()
  const { cursor } = await account.state()
  apple.sessions.clear()
  apple.fault({ path: '/session', times: 1, status: 401, body: 'token_rejected' })
  await account.sync()
  await account.stub.install({ token: newToken() })
  expect(await account.stub.status()).toMatchObject({ flag: '' })
  expect((await account.state()).cursor).toEqual(cursor)
  apple.calls.length = 0
  expect(await account.sync()).toMatchObject({ kind: 'done' })
  expect(apple.paths()).toEqual(['/session', '/devices/sync'])
})

it('a deadline of Apple holds for every call, also after a restart', async () => {
  const account = await newAccount()
  await account.sync()
  const at = new Date(clock.now() + 2 * HOUR).toUTCString()
  apple.fault({ path: '/devices/sync', times: 1, status: 429, headers: { 'retry-after': at } })
  expect(await account.sync()).toMatchObject({ kind: 'refused', answer: { status: 429 } })
  await evictDurableObject(account.stub)
  const count = apple.calls.length
  await account.pass(2 * HOUR - MINUTE)
  expect(await account.stub.call(ACCOUNT)).toMatchObject({ kind: 'refused', code: 'RETRY_LATER' })
  expect(await account.sync()).toMatchObject({ kind: 'refused' })
  expect(apple.calls).toHaveLength(count)
  await account.pass(2 * MINUTE)
  expect(apple.calls.length).toBeGreaterThan(count)
  expect(await account.stub.status()).toMatchObject({ notBefore: 0, syncing: false })
})

it('a service that does not answer is tried again soon, then at the next sync', async () => {
  const account = await newAccount()
  await account.sync()
  const [one = ''] = serials(1)
  apple.add([one])
  apple.fault({ path: '/devices/sync', times: 3, status: 502 })
  apple.fault({ path: '/devices/sync', times: 1, body: '{"cursor":' })
  apple.fault({ path: '/devices/sync', times: 1, drop: true })
  await account.sync()
  await account.pass(2 * MINUTE)
  expect(await account.device(one)).toMatchObject({ live: true })
})

it('the end of a token is told ahead, and then nothing is called', async () => {
  const events = watchEvents()
  const account = await newAccount({}, newToken({ expiresAt: clock.now() + 61 * DAY }))
  await account.pass(0)
  const days = () =>
    (events.of(account.id, 'dep.account') as { expires_in_days: number }[]).map(
      (about) => about.expires_in_days,
    )
  expect(days()).toEqual([])
  const told = [60, 30, 14, 7, 1]
  for (const [n, left] of told.entries()) {
    const { expiresAt } = await account.state()
    turn(expiresAt - clock.now() - left * DAY)
    await account.pass(0)
    await account.pass(HOUR)
    expect(days()).toEqual(told.slice(0, n + 1))
  }
  await account.setState({ nextSyncAt: clock.now() + 10 * DAY })
  await account.pass(DAY)
  expect(days()).toEqual([...told, 0])
  const count = apple.calls.length
  expect(await account.alarmAt()).toBe(null)
  expect(await account.stub.call(ACCOUNT)).toMatchObject({ code: 'ACCESS_TOKEN_EXPIRED' })
  expect(await account.sync()).toMatchObject({ kind: 'refused' })
  await account.pass(DAY)
  expect(apple.calls).toHaveLength(count)
})
