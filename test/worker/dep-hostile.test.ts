import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { isInAbm } from '../../src/directory/dep/search.ts'
import { Apple } from './dep-apple.ts'
import { define, HOUR, newAccount, serials } from './dep-tools.ts'
import { api, env } from './server.ts'

let apple: Apple

beforeEach(() => {
  apple = new Apple()
})
afterEach(() => {
  vi.restoreAllMocks()
})

const answer = (path: string, json: unknown): void => {
  apple.fault({ path, times: 1, body: typeof json === 'string' ? json : JSON.stringify(json) })
}
const NESTED = '['.repeat(2000) + ']'.repeat(2000)

it('records that are nested, long or of other types break neither the account nor a list', async () => {
  const account = await newAccount()
  const [first = '', second = '', third = ''] = serials(3)
  answer(
    '/server/devices',
    `{"cursor":"s.0","more_to_follow":false,"devices":[
      {"serial_number":"${first}","model":${NESTED}},
      {"serial_number":"${second}","note":"${'x'.repeat(2_000_000)}","profile_uuid":7},
      {"serial_number":"${third}","op_date":{"toString":1},"device_family":["Mac"]},
      {"serial_number":"${third}","op_date":{"toString":1},"model":"iPad"}]}`,
  )
  expect(await account.sync()).toMatchObject({ kind: 'done', run: { devices: 4 } })
  const listed = await api<{ items: { id: string }[] }>(
    'GET',
    `/api/dep/devices?account=${account.id}&model=ipad`,
  )
  expect(listed.body.items.map(({ id }) => id)).toEqual([third])
  const all = await api('GET', `/api/dep/devices?account=${account.id}`)
  expect(all.body).toMatchObject({ items: [{ id: first }, { id: second }, { id: third }] })
})

it('details that are longer than storage takes do not stop the account', async () => {
  apple.account = { ...apple.account, org_name: 'x'.repeat(3_000_000) }
  apple.add(serials(2))
  const account = await newAccount()
  expect(await account.sync()).toMatchObject({ kind: 'done', run: { devices: 2 } })
  expect(JSON.stringify((await account.state()).detail).length).toBeLessThan(60_000)
})

it('a list that does not end ends the run, and the next run begins anew', async () => {
  const account = await newAccount()
  const run = { startedAt: 0, devices: 0, rows: 0, found: { added: 0, changed: 0 } }
  await account.setState({ run: { ...run, calls: 4990, fetches: false, fetched: false } })
  apple.pageSize = 1
  apple.add(serials(40))
  await account.pass(0)
  expect(await account.stub.status()).toMatchObject({
    syncing: false,
    counts: { devices: 10 },
    lastRun: { calls: 5000, error: 'Apple’s list of devices does not end' },
  })
  apple.pageSize = 1000
  await account.pass(HOUR)
  expect(await account.stub.status()).toMatchObject({ counts: { devices: 40 } })
})

it('devices in an answer for which the server has not asked are not stored', async () => {
  const account = await newAccount()
  const uuid = await define(account, 'Staff')
  const [serial = ''] = serials(1)
  apple.add([serial])
  await account.sync()
  answer('/devices', { devices: { [serial]: {}, '': {}, 'A B': {}, ['x'.repeat(1000)]: {} } })
  await account.stub.assign(uuid, [serial])
  const { body } = await api<{ items: { id: string }[] }>('GET', '/api/dep/devices?live=true')
  expect(body.items.map(({ id }) => id)).not.toContain('')
  expect(await isInAbm(env.DB, '')).toBe(false)
  expect(await isInAbm(env.DB, 'A B')).toBe(false)
})

it('an answer with the profile of another account takes it from no one', async () => {
  const one = await newAccount()
  const uuid = await define(one, 'Staff')
  const other = await newAccount()
  answer('/profile', { profile_uuid: uuid })
  const given = { profile_name: 'Mine', url: 'https://mdm.example.com/mdm/enroll' }
  expect(await other.stub.define(given)).toMatchObject({ kind: 'refused' })
  expect((await api('GET', `/api/dep/profiles/Staff?account=${one.id}`)).body).toMatchObject({
    uuid,
  })
})
