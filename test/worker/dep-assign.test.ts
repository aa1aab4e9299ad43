import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { clock, turn } from './clock.ts'
import { Apple } from './dep-apple.ts'
import { DAY, HOUR, MINUTE, newAccount, serials, watchEvents, define, ruled } from './dep-tools.ts'

let apple: Apple

beforeEach(() => {
  apple = new Apple()
})
afterEach(() => {
  vi.restoreAllMocks()
})

it('new devices get the profile of their rule, and one call reads it back', async () => {
  const events = watchEvents()
  const { account, uuid } = await ruled()
  const [one = '', other = ''] = serials(2)
  apple.add([one])
  await account.sync()
  apple.calls.length = 0
  apple.add([other])
  turn(MINUTE)
  await account.sync()
  expect(apple.assignments()).toEqual([[other]])
  expect(apple.paths()).toEqual(['/devices/sync', '/profile/devices', '/devices'])
  const done = { profileUuid: uuid, profileStatus: 'assigned', wanted: '', outcome: 'SUCCESS' }
  expect(await account.device(one)).toMatchObject(done)
  expect(await account.device(other)).toMatchObject(done)
  expect(events.of(account.id, 'dep.assigned')).toEqual([
    { profile: uuid, devices: [one] },
    { profile: uuid, devices: [other] },
  ])
  turn(MINUTE)
  await account.sync()
  await account.sync(true)
  expect(apple.assignments()).toEqual([[other]])
})

it('rules choose by the record, the first one that matches', async () => {
  const account = await newAccount()
  const [mac, rest] = [await define(account, 'Macs'), await define(account, 'Rest')]
  await account.rules([
    { match: { family: ['Mac'] }, profile: 'Macs' },
    { match: {}, profile: rest },
  ])
  const [one = '', other = ''] = serials(2)
  apple.add([one], { device_family: 'Mac' })
  apple.add([other], { device_family: 'iPad' })
  await account.sync()
  await account.pass(2000)
  expect(await account.device(one)).toMatchObject({ profileUuid: mac })
  expect(await account.device(other)).toMatchObject({ profileUuid: rest })
})

it('devices of a full fetch after a dead cursor are assigned too', async () => {
  const { account, uuid } = await ruled()
  await account.sync()
  turn(8 * DAY)
  const all = serials(5)
  apple.add(all)
  await account.sync()
  expect(apple.assignments()).toEqual([all])
  expect(await account.device(all[0] ?? '')).toMatchObject({ profileUuid: uuid })
})

it('a crash between the page and the assignment loses no device', async () => {
  const { account, uuid } = await ruled()
  await account.sync()
  const [one = ''] = serials(1)
  apple.add([one])
  apple.fault({ path: '/profile/devices', times: 1, drop: true })
  expect(await account.sync()).toMatchObject({ kind: 'done', run: { rows: 1 } })
  await evictDurableObject(account.stub)
  await account.pass(MINUTE)
  expect(await account.device(one)).toMatchObject({ profileUuid: uuid, wanted: '' })
  expect(apple.assignments()).toEqual([[one], [one]])
})

it('a crash before the answer is read back reads it, and assigns nothing again', async () => {
  const { account, uuid } = await ruled()
  await account.sync()
  const [one = ''] = serials(1)
  apple.add([one])
  apple.fault({ path: '/devices', times: 1, drop: true })
  await account.sync()
  expect(await account.device(one)).toMatchObject({ outcome: 'SUCCESS', wanted: uuid })
  await evictDurableObject(account.stub)
  await account.pass(MINUTE)
  expect(await account.device(one)).toMatchObject({ profileUuid: uuid, wanted: '' })
  expect(apple.assignments()).toEqual([[one]])
})

it('a device whose profile Apple removed gets it again, whatever the change is called', async () => {
  const { account, uuid } = await ruled()
  const [removed = '', moved = ''] = serials(2)
  apple.add([removed])
  await account.sync()
  turn(MINUTE)
  apple.change(removed, { profile_status: 'removed' })
  apple.devices.set(moved, { serial_number: moved })
  apple.change(moved, {
    profile_status: 'removed',
    profile_uuid: 'F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0',
  })
  await account.sync()
  expect(apple.assignments()).toEqual([[removed], [removed, moved]])
  expect(await account.device(removed)).toMatchObject({
    profileUuid: uuid,
    profileStatus: 'assigned',
  })
  expect(await account.device(moved)).toMatchObject({
    profileUuid: uuid,
    profileStatus: 'assigned',
  })
})

it('additions and changes of many devices in one page are one assignment', async () => {
  const { account } = await ruled()
  await account.sync()
  const all = serials(30)
  apple.add(all)
  for (const serial of all) {
    apple.tell('modified', serial)
  }
  await account.sync()
  expect(apple.assignments()).toEqual([all])
})

it('a sync during an assignment comes after it', async () => {
  const { account } = await ruled()
  const [one = '', late = ''] = serials(2)
  apple.add([one])
  apple.held = '/profile/devices'
  const first = account.sync()
  await expect.poll(() => apple.paths()).toContain('/profile/devices')
  apple.add([late])
  const second = account.sync()
  await expect.poll(async () => (await account.state()).nextSyncAt).toBe(clock.now())
  apple.held = ''
  expect(await Promise.all([first, second])).toMatchObject([{ kind: 'done' }, { kind: 'done' }])
  expect(await account.device(late)).toMatchObject({ live: true })
})

it('2,000 devices are two calls of 1,000, a second apart', async () => {
  const { account } = await ruled()
  apple.add(serials(2000))
  await account.sync()
  expect(apple.assignments().map(({ length }) => length)).toEqual([1000])
  await account.pass(5000)
  expect(apple.assignments().map(({ length }) => length)).toEqual([1000, 1000])
  const [first = 0, second = 0] = apple.calls
    .filter(({ path }) => path === '/profile/devices')
    .map(({ at }) => at)
  expect(second - first).toBeGreaterThanOrEqual(1000)
})

it('a device that failed is tried after an hour, then after a day, and shows it', async () => {
  const events = watchEvents()
  const { account } = await ruled()
  const [fails = '', left = ''] = serials(2)
  apple.words.set(fails, 'FAILED').set(left, 'missing')
  apple.add([fails, left])
  await account.sync()
  const failed = { outcome: 'FAILED', tries: 1, dueAt: clock.now() + HOUR }
  expect(await account.device(fails)).toMatchObject(failed)
  expect(await account.device(left)).toMatchObject(failed)
  expect(events.of(account.id, 'dep.failed')).toMatchObject([
    { devices: { [fails]: 'FAILED', [left]: 'FAILED' } },
  ])
  expect(await account.stub.status()).toMatchObject({ waiting: 2, counts: { failed: 2 } })
  await account.pass(HOUR - MINUTE)
  expect(apple.assignments()).toHaveLength(1)
  await account.pass(2 * MINUTE)
  expect(apple.assignments()).toHaveLength(2)
  await account.setState({ nextSyncAt: clock.now() + 3 * DAY })
  await account.pass(DAY - HOUR)
  expect(apple.assignments()).toHaveLength(2)
  apple.words.clear()
  await account.pass(HOUR + MINUTE)
  expect(apple.assignments()).toHaveLength(3)
  expect(await account.device(fails)).toMatchObject({ outcome: 'SUCCESS', wanted: '' })
})

it('a throttled device waits as long as Apple says; the others do not', async () => {
  const { account } = await ruled()
  const [slow = '', other = ''] = serials(2)
  apple.words.set(slow, 'THROTTLED')
  apple.retryAfter = 3600
  apple.add([slow, other])
  await account.sync()
  expect(await account.device(other)).toMatchObject({ outcome: 'SUCCESS' })
  apple.words.clear()
  const later = serials(1)
  apple.add(later)
  await account.pass(50 * MINUTE)
  expect(apple.assignments()).toEqual([[slow, other], later])
  await account.pass(11 * MINUTE)
  expect(apple.assignments()).toEqual([[slow, other], later, [slow]])
})

it('a released device is tried no more', async () => {
  const { account } = await ruled()
  await account.sync()
  const [gone = ''] = serials(1)
  apple.add([gone])
  apple.devices.delete(gone)
  await account.sync()
  expect(apple.assignments()).toEqual([[gone]])
  expect(await account.device(gone)).toMatchObject({ live: false, wanted: '', dueAt: 0 })
  await account.setState({ nextSyncAt: clock.now() + 3 * DAY })
  await account.pass(2 * DAY)
  expect(apple.assignments()).toHaveLength(1)
})

it('a profile that Apple does not know holds up its own devices only', async () => {
  const account = await newAccount()
  const good = await define(account, 'Good')
  const [bad = '', fine = ''] = serials(2)
  await account.rules([
    { match: { serial: [bad] }, profile: 'DEADBEEFDEADBEEFDEADBEEFDEADBEEF' },
    { match: {}, profile: 'Good' },
  ])
  apple.add([bad, fine])
  apple.fault({ path: '/profile/devices', times: 1, status: 404, body: 'PROFILE_NOT_FOUND' })
  await account.sync()
  await account.pass(5000)
  expect(await account.device(bad)).toMatchObject({ outcome: 'PROFILE_NOT_FOUND', tries: 1 })
  expect(await account.device(fine)).toMatchObject({ profileUuid: good })
})

it('a profile that a person mistypes leaves the devices what they were to get', async () => {
  const { account, uuid } = await ruled()
  await account.sync()
  const [one = ''] = serials(1)
  apple.add([one])
  await account.sync()
  turn(MINUTE)
  const before = await account.device(one)
  apple.fault({ path: '/profile/devices', times: 1, status: 404, body: 'PROFILE_NOT_FOUND' })
  expect(await account.stub.assign('MISTYPED', [one])).toMatchObject({
    kind: 'refused',
  })
  expect(await account.device(one)).toEqual(before)
  expect(before).toMatchObject({ profileUuid: uuid, wanted: '' })
})

it.each(['/profile/devices', '/devices'])(
  'a refusal that nothing explains is tried again in an hour: %s',
  async (path) => {
    const { account } = await ruled()
    await account.sync()
    const [one = ''] = serials(1)
    apple.add([one])
    apple.fault({ path, times: 2, status: 403, body: 'SOMETHING_NEW' })
    await account.sync()
    await account.setState({ nextSyncAt: clock.now() + 3 * DAY })
    await account.pass(10 * MINUTE)
    const count = apple.calls.length
    await account.pass(45 * MINUTE)
    expect(apple.calls).toHaveLength(count)
    await account.pass(2 * DAY)
    expect(await account.device(one)).toMatchObject({ wanted: '', profileStatus: 'assigned' })
  },
)

it('an assignment that Apple took and did not do is tried again in an hour', async () => {
  const { account, uuid } = await ruled()
  await account.sync()
  const [one = ''] = serials(1)
  apple.add([one])
  const body = JSON.stringify({ devices: { [one]: 'SUCCESS' } })
  apple.fault({ path: '/profile/devices', times: 1, status: 200, body })
  await account.sync()
  const dueAt = clock.now() + HOUR
  expect(await account.device(one)).toMatchObject({ outcome: 'FAILED', tries: 1, dueAt })
  await account.pass(HOUR + MINUTE)
  expect(await account.device(one)).toMatchObject({ profileUuid: uuid, wanted: '' })
})
