import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { DepAccount } from '../../src/dep-account/object.ts'
import { Apple } from './dep-apple.ts'
import { accountWith, DAY, HOUR, MINUTE, newAccount, serials, watchEvents } from './dep-tools.ts'
import { clock, turn } from './clock.ts'
import { env } from './server.ts'

let apple: Apple

beforeEach(() => {
  apple = new Apple()
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** How many rows of `dep_devices` changed since, and the rows themselves. */
async function rowsOf(account: string): Promise<Record<string, unknown>[]> {
  const rows = await env.DB.prepare('SELECT * FROM dep_devices WHERE account = ? ORDER BY serial')
    .bind(account)
    .all()
  return rows.results
}

it('one run takes all pages of a fetch and of a sync', async () => {
  const account = await newAccount()
  apple.pageSize = 100
  const first = serials(250)
  apple.add(first)
  expect(await account.sync()).toMatchObject({ kind: 'done', run: { calls: 4, full: true } })
  expect((await account.stub.status())?.counts.devices).toBe(250)
  apple.add(serials(250))
  expect(await account.sync()).toMatchObject({ kind: 'done', run: { calls: 3, rows: 250 } })
  expect((await account.stub.status())?.counts.devices).toBe(500)
})

it('a run of many pages goes on by the alarm after 20 calls', async () => {
  const account = await newAccount()
  apple.pageSize = 1
  apple.add(serials(45))
  await account.pass(0)
  expect(apple.paths().filter((path) => path === '/server/devices')).toHaveLength(45)
  expect(await account.stub.status()).toMatchObject({ syncing: false, counts: { devices: 45 } })
})

it('asks for pages as large as Apple allows', async () => {
  apple.account = { ...apple.account, urls: [{ uri: '/server/devices', limit: { maximum: 300 } }] }
  const account = await newAccount()
  await account.sync()
  const limits = apple.calls.flatMap(({ path, body }) =>
    body['limit'] ? [[path, body['limit']]] : [],
  )
  expect(limits).toEqual([
    ['/server/devices', 300],
    ['/devices/sync', 1000],
  ])
})

it('syncs every five minutes for an hour after an import, then every half hour', async () => {
  const account = await newAccount()
  const syncs = () => apple.paths().filter((path) => path === '/devices/sync').length
  await account.pass(HOUR)
  expect(syncs()).toBeGreaterThanOrEqual(10)
  expect(syncs()).toBeLessThanOrEqual(13)
  const before = syncs()
  await account.pass(10 * HOUR)
  expect(syncs() - before).toBeGreaterThanOrEqual(18)
  expect(syncs() - before).toBeLessThanOrEqual(21)
})

it('a session that ends within a run costs one login, and no page is lost', async () => {
  const account = await newAccount()
  apple.pageSize = 10
  apple.add(serials(50))
  apple.fault({ path: '/server/devices', times: 1, after: 2, status: 403, body: '"FORBIDDEN"' })
  expect(await account.sync()).toMatchObject({ kind: 'done', run: { devices: 50 } })
  expect(apple.paths().filter((path) => path === '/session')).toHaveLength(2)
  expect((await account.stub.status())?.counts.devices).toBe(50)
})

it('each new session replaces the one before, also after a restart', async () => {
  const account = await newAccount()
  apple.rotates = true
  apple.pageSize = 10
  apple.add(serials(30))
  await account.sync()
  await evictDurableObject(account.stub)
  await account.sync()
  expect(apple.paths().filter((path) => path === '/session')).toHaveLength(1)
})

it('twenty calls at once log in once', async () => {
  const account = await newAccount()
  await account.sync()
  apple.sessions.clear()
  apple.calls.length = 0
  const call = { method: 'GET', path: '/account' } as const
  const answers = await Promise.all(Array.from({ length: 20 }, () => account.stub.call(call)))
  expect(answers.map(({ kind }) => kind)).toEqual(Array.from({ length: 20 }, () => 'ok'))
  expect(apple.paths().filter((path) => path === '/session')).toHaveLength(1)
})

it('a cursor that does not move ends the run, and the second time begins a full fetch', async () => {
  const account = await newAccount()
  apple.add(serials(3))
  await account.sync()
  const cursor = (await account.state()).cursor?.value
  const body = JSON.stringify({ cursor, devices: [], more_to_follow: true })
  apple.fault({ path: '/devices/sync', times: 2, status: 200, body })
  const error = 'Apple sends the same page again'
  expect(await account.sync()).toMatchObject({ kind: 'done', run: { calls: 1, error } })
  expect(await account.sync()).toMatchObject({ kind: 'done', run: { calls: 1, error } })
  expect(await account.sync()).toMatchObject({ kind: 'done', run: { calls: 2, full: true } })
  expect(await account.state()).toMatchObject({ stuck: 0 })
})

it('a cursor of more than seven days is not used', async () => {
  const account = await newAccount()
  await account.sync()
  turn(8 * DAY)
  apple.calls.length = 0
  expect(await account.sync()).toMatchObject({ run: { full: true } })
  expect(apple.calls.find(({ path }) => path === '/server/devices')?.body['cursor']).toBe(undefined)
  expect(apple.paths().filter((path) => path === '/devices/sync')).toHaveLength(1)
})

it('a cursor that Apple refuses leads to one full fetch in a run', async () => {
  const account = await newAccount()
  apple.add(serials(3))
  await account.sync()
  apple.fault({ path: '/devices/sync', times: 3, status: 400, body: '"EXPIRED_CURSOR"' })
  apple.calls.length = 0
  expect(await account.sync()).toMatchObject({ run: { full: true, error: 'EXPIRED_CURSOR' } })
  expect(apple.paths()).toEqual(['/devices/sync', '/server/devices', '/devices/sync'])
  expect((await account.stub.status())?.counts.devices).toBe(3)
})

it('an exhausted fetch goes on as a sync with the same cursor', async () => {
  const account = await newAccount()
  apple.add(serials(3))
  await account.sync()
  const { cursor } = await account.state()
  await account.setState({ cursor: cursor && { ...cursor, phase: 'fetch' } })
  apple.calls.length = 0
  await account.sync()
  expect(apple.paths()).toEqual(['/server/devices', '/devices/sync'])
  expect(apple.calls.map(({ body }) => body['cursor'])).toEqual([cursor?.value, cursor?.value])
  expect((await account.stub.status())?.counts.devices).toBe(3)
})

it('a crash between the page in D1 and the cursor repeats the page', async () => {
  const account = await newAccount()
  apple.pageSize = 10
  await account.sync()
  const before = await account.state()
  apple.add(serials(20))
  await account.sync()
  const rows = await rowsOf(account.id)
  await account.setState(before)
  expect(await account.sync()).toMatchObject({ run: { devices: 20, rows: 0 } })
  expect(await rowsOf(account.id)).toEqual(rows)
})

it('of entries about one device the newest counts, wherever it stands', async () => {
  const account = await newAccount()
  const [back = '', gone = '', late = ''] = serials(3)
  apple.add([back, gone, late])
  await account.sync()
  const at = Date.parse('2027-01-01T00:00:00Z')
  apple.tell('deleted', back, at)
  apple.tell('added', back, at)
  apple.tell('added', gone, at)
  apple.tell('deleted', gone, at + 1)
  await account.sync()
  expect((await account.device(back))?.live).toBe(true)
  expect((await account.device(gone))?.live).toBe(false)
  apple.tell('modified', late, at)
  await account.sync()
  apple.ops.push({
    ...apple.of(late),
    model: 'older',
    op_type: 'modified',
    op_date: '2026-12-31T00:00:00Z',
  })
  await account.sync()
  expect((await account.device(late))?.record).not.toContain('older')
})

it('a device that left Apple is no longer live, and is new when it comes back', async () => {
  const events = watchEvents()
  const account = await newAccount()
  const [one = '', other = ''] = serials(2)
  apple.add([one, other])
  await account.sync()
  apple.remove(one)
  await account.sync()
  expect(await account.device(one)).toMatchObject({ live: false, profileStatus: '' })
  expect((await account.stub.status())?.counts.devices).toBe(1)
  turn(MINUTE)
  apple.add([one])
  await account.sync()
  expect(await account.device(one)).toMatchObject({ live: true })
  expect(events.of(account.id, 'dep.device')).toMatchObject([
    { added: [one, other] },
    { removed: [one] },
    { added: [one] },
  ])
})

it('the weekly full fetch finds what the stream left out, and tells the differences', async () => {
  const events = watchEvents()
  const account = await newAccount()
  const [stays = '', leaves = '', hidden = ''] = serials(3)
  apple.add([stays, leaves])
  await account.sync()
  apple.devices.delete(leaves)
  apple.devices.set(hidden, { serial_number: hidden, profile_status: 'empty' })
  await account.setState({ fullAt: clock.now() - 7 * DAY + HOUR })
  await account.pass(HOUR / 2)
  expect(await account.device(hidden)).toBe(undefined)
  await account.pass(HOUR)
  expect(await account.device(hidden)).toMatchObject({ live: true })
  expect(await account.device(leaves)).toMatchObject({ live: false })
  expect(events.of(account.id, 'dep.account')).toEqual([
    { differences: { added: 1, changed: 0, removed: 1 } },
  ])
})

it('a full fetch on demand finds it at once, after the changes', async () => {
  const account = await newAccount()
  await account.sync()
  const [hidden = ''] = serials(1)
  apple.devices.set(hidden, { serial_number: hidden, profile_status: 'empty' })
  await account.sync()
  expect(await account.device(hidden)).toBe(undefined)
  apple.calls.length = 0
  expect(await account.sync(true)).toMatchObject({ run: { full: true } })
  expect(apple.paths()).toEqual(['/devices/sync', '/server/devices', '/devices/sync'])
  expect(await account.device(hidden)).toMatchObject({ live: true })
})

it('a full fetch of unchanged devices writes no row', async () => {
  const account = await newAccount()
  const [first = '', ...others] = serials(2500)
  apple.add([first, ...others])
  await account.sync()
  await env.DB.batch([
    env.DB.prepare('CREATE TABLE writes (serial TEXT)'),
    env.DB.prepare(`CREATE TRIGGER counted AFTER UPDATE ON dep_devices
      BEGIN INSERT INTO writes VALUES (new.serial); END`),
  ])
  turn(HOUR)
  apple.devices.set(first, { ...apple.of(first), color: 'blue' })
  expect(await account.sync(true)).toMatchObject({ run: { full: true, rows: 1 } })
  const { results } = await env.DB.prepare('SELECT serial FROM writes').all()
  expect(results).toEqual([{ serial: first }])
  await env.DB.batch([env.DB.prepare('DROP TRIGGER counted'), env.DB.prepare('DROP TABLE writes')])
})

it('a device that was removed while a full fetch goes on is marked after the last page only', async () => {
  const account = await newAccount()
  const [first = '', ...others] = serials(40)
  apple.add([first, ...others])
  await account.sync()
  apple.devices.delete(first)
  apple.pageSize = 10
  apple.fault({ path: '/server/devices', times: 1, after: 3, drop: true })
  expect(await account.sync(true)).toMatchObject({
    kind: 'refused',
    answer: { kind: 'unreachable' },
  })
  expect(await account.device(first)).toMatchObject({ live: true })
  await evictDurableObject(account.stub)
  await accountWith(account.id).pass(MINUTE)
  expect(await account.device(first)).toMatchObject({ live: false })
  expect((await account.stub.status())?.counts.devices).toBe(39)
})

it('a page that D1 does not take is asked for again', async () => {
  const account = await newAccount()
  await account.sync()
  const all = serials(3)
  apple.add(all)
  await env.DB.prepare('ALTER TABLE dep_devices RENAME TO away').run()
  // In the object: the rejection of a call to it would end the test.
  await runInDurableObject(account.stub, async (object) => {
    await expect((object as DepAccount).sync({ waitMs: 25_000 })).rejects.toThrow('no such table')
  })
  await env.DB.prepare('ALTER TABLE away RENAME TO dep_devices').run()
  await account.pass(MINUTE)
  expect((await account.stub.status())?.counts.devices).toBe(3)
})

it('two syncs at once are one run', async () => {
  const account = await newAccount()
  apple.add(serials(3))
  const runs = await Promise.all([account.sync(), account.sync()])
  expect(runs).toMatchObject([{ run: { devices: 3 } }, { run: { devices: 3 } }])
  expect(apple.paths().filter((path) => path === '/server/devices')).toHaveLength(1)
})

it.each(['/account', '/devices/sync', '/server/devices'])(
  'a refusal that nothing explains ends the run until the next one: %s',
  async (path) => {
    const account = await newAccount()
    await account.sync()
    await account.setState({
      detailAt: 0,
      ...(path === '/server/devices' && { cursor: undefined }),
    })
    apple.fault({ path, times: 1, status: 403, body: 'SOMETHING_NEW' })
    expect(await account.sync()).toMatchObject({
      kind: 'refused',
      answer: { code: 'SOMETHING_NEW' },
    })
    const count = apple.calls.length
    await account.pass(MINUTE)
    expect(apple.calls).toHaveLength(count)
    await account.pass(10 * MINUTE)
    expect(await account.stub.status()).toMatchObject({ syncing: false })
    expect((await account.state()).lastRun?.error).toBe(undefined)
  },
)
