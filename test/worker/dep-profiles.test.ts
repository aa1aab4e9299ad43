import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { depProfileNamed, storeDepProfile } from '../../src/directory/dep/profiles.ts'
import { clock, turn, turnTimers } from './clock.ts'
import { Apple } from './dep-apple.ts'
import { HOUR, MINUTE, newAccount, serials, forAll, define, ruled } from './dep-tools.ts'
import { env } from './server.ts'

let apple: Apple

beforeEach(() => {
  apple = new Apple()
})
afterEach(() => {
  vi.restoreAllMocks()
})

it('devices with profiles of another server wait for a confirmation', async () => {
  const { account, uuid } = await ruled()
  const all = serials(5000)
  apple.add(all, { profile_uuid: 'F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0', profile_status: 'assigned' })
  await account.sync()
  expect(apple.assignments()).toEqual([])
  expect(await account.stub.preview()).toEqual({
    assign: 0,
    foreign: 5000,
    profiles: { [uuid]: 5000 },
    rules: [5000],
  })
  await account.stub.confirm()
  expect(await account.stub.status()).toMatchObject({ confirmed: true })
  await account.pass(10_000)
  expect(apple.assignments().map(({ length }) => length)).toEqual([1000, 1000, 1000, 1000, 1000])
  expect(await account.stub.preview()).toMatchObject({ assign: 0, foreign: 0 })
})

it('after a move nothing is assigned until it is confirmed', async () => {
  const all = serials(3)
  apple.add(all)
  const account = await newAccount({ cursor: { value: 's.0', at: clock.now() } })
  await define(account, 'Staff')
  await account.rules(forAll('Staff'))
  await account.sync()
  const pages = apple.calls.filter(({ body }) => body['limit'])
  expect(pages.map(({ path, body }) => [path, body['cursor']])).toEqual([
    ['/devices/sync', 's.0'],
    ['/server/devices', undefined],
    ['/devices/sync', 's.3'],
  ])
  expect(apple.assignments()).toEqual([])
  expect(await account.stub.preview()).toMatchObject({ assign: 3, foreign: 0 })
  await account.stub.confirm()
  await account.pass(0)
  expect(apple.assignments()).toEqual([all])
})

it('a changed profile takes the place of the one of its name on all its devices', async () => {
  const { account, uuid } = await ruled()
  const [fetched = '', fresh = ''] = serials(2)
  apple.add([fetched])
  await account.sync()
  apple.change(fetched, { profile_status: 'pushed' })
  turn(MINUTE)
  await account.sync()
  expect(await define(account, 'Staff')).toBe(uuid)
  expect(apple.profiles.size).toBe(1)
  const next = await define(account, 'Staff', { department: 'IT' })
  expect(next).not.toBe(uuid)
  await account.pass(2000)
  expect(await account.device(fetched)).toMatchObject({ profileUuid: next })
  await account.rules(forAll(uuid))
  apple.add([fresh])
  turn(MINUTE)
  await account.sync()
  expect(await account.device(fresh)).toMatchObject({ profileUuid: next })
})

it('a profile names devices of which one is unknown: it is defined, and each has its word', async () => {
  const account = await newAccount()
  const [known = '', unknown = ''] = serials(2)
  apple.add([known])
  await account.sync()
  const given = { profile_name: 'Few', url: 'https://mdm.example.com/x', devices: [known, unknown] }
  expect(await account.stub.define(given)).toMatchObject({
    kind: 'defined',
    devices: { [known]: 'SUCCESS', [unknown]: 'NOT_ACCESSIBLE' },
  })
  expect([...apple.profiles.values()]).toEqual([
    { profile_name: 'Few', url: 'https://mdm.example.com/x' },
  ])
})

it('a profile that Apple would refuse is not sent', async () => {
  const account = await newAccount()
  const given = { profile_name: 'x'.repeat(126), url: 'https://mdm.example.com/x' }
  expect(await account.stub.define(given)).toMatchObject({
    kind: 'invalid',
    fault: { field: 'profile_name' },
  })
  expect(apple.calls).toEqual([])
})

it('a person’s choice stays: a profile of ours, or none', async () => {
  const { account } = await ruled()
  const other = await define(account, 'Other')
  const [chosen = '', freed = ''] = serials(2)
  apple.add([chosen, freed])
  await account.sync()
  await turnTimers(2000)
  expect(await account.stub.assign(other, [chosen])).toEqual({
    kind: 'assigned',
    devices: { [chosen]: 'SUCCESS' },
  })
  expect(await account.stub.unassign([freed])).toEqual({
    kind: 'assigned',
    devices: { [freed]: 'SUCCESS' },
  })
  const count = apple.assignments().length
  await account.stub.confirm()
  await account.sync()
  await account.sync(true)
  await account.pass(HOUR)
  expect(apple.assignments()).toHaveLength(count)
  expect(await account.device(chosen)).toMatchObject({ profileUuid: other, wanted: '' })
  expect(await account.device(freed)).toMatchObject({ profileStatus: 'removed', wanted: '' })
})

it('what fails by hand is tried again by the alarm', async () => {
  const account = await newAccount()
  const uuid = await define(account, 'Staff')
  const [one = ''] = serials(1)
  apple.add([one])
  await account.sync()
  apple.words.set(one, 'THROTTLED')
  expect(await account.stub.assign(uuid, [one])).toMatchObject({ devices: { [one]: 'THROTTLED' } })
  apple.words.clear()
  await account.pass(HOUR + MINUTE)
  expect(await account.device(one)).toMatchObject({ profileUuid: uuid, wanted: '' })
})

it('new rules apply to devices that are there', async () => {
  const account = await newAccount()
  const uuid = await define(account, 'Staff')
  const [one = ''] = serials(1)
  apple.add([one])
  await account.sync()
  await account.rules(forAll('Staff'))
  await account.stub.plan()
  await account.pass(0)
  expect(await account.device(one)).toMatchObject({ profileUuid: uuid })
})

it('a profile that Apple knows from an account that was there before is one of the present account', async () => {
  const row = { uuid: 'known', name: 'Staff', profile: '{}', definedAt: clock.now() }
  await storeDepProfile(env.DB, { ...row, account: 'before' })
  await storeDepProfile(env.DB, { ...row, account: 'present' })
  expect(await depProfileNamed(env.DB, 'present', 'Staff')).toMatchObject({ uuid: 'known' })
  expect(await depProfileNamed(env.DB, 'before', 'Staff')).toBeUndefined()
})
