import { expect, it } from 'vitest'
import { type Client, clientOf, newClient } from './client.ts'

const DAY = 86_400_000

const serials = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `S${String(n).padStart(4, '0')}`)

async function withDevices(count: number): Promise<Client> {
  const client = await newClient()
  serials(count).forEach((serial) => client.dep.add({ serial_number: serial }))
  return client
}

const listed = (json: { devices: { serial_number: string; op_type?: string }[] }): string[] =>
  json.devices.map(({ serial_number: serial, op_type: type }) =>
    type === undefined ? serial : `${type} ${serial}`,
  )

/** The cursor after a fetch of everything. */
async function fetched(client: Client): Promise<string> {
  const { json } = await client.call('POST', '/server/devices', { limit: 1000 })
  return json.cursor
}

it('a fetch gives the devices of its first page in pages without op_type, and ends with a cursor for sync', async () => {
  const client = await withDevices(250)
  const first = await client.call('POST', '/server/devices', {})
  expect(first.json).toMatchObject({ more_to_follow: true, fetched_until: '2026-11-28T10:00:00Z' })
  client.dep.remove('S0200')
  const page = (cursor: string) => client.call('POST', '/server/devices', { cursor, limit: 100 })
  const second = await page(first.json.cursor)
  const third = await page(second.json.cursor)
  expect(third.json.more_to_follow).toBe(false)
  expect([first, second, third].flatMap(({ json }) => listed(json))).toEqual(serials(250))
  expect((await page(third.json.cursor)).text).toBe('EXHAUSTED_CURSOR')
  const sync = await client.call('POST', '/devices/sync', { cursor: third.json.cursor })
  expect(listed(sync.json)).toEqual(['deleted S0200'])
  expect(sync.json.devices[0].op_date).toBe('2026-11-28T10:00:00Z')
})

it('a sync gives the changes since its cursor, also those of assignments, and each cursor gives them again', async () => {
  const client = await withDevices(2)
  const { dep } = client
  const cursor = await fetched(client)
  const { json } = await client.call('POST', '/profile', {
    profile_name: 'P',
    url: 'https://mdm.example.com/',
    devices: ['S0000'],
  })
  dep.modify('S0001', { asset_tag: 'desk' })
  await client.call('DELETE', '/profile/devices', { devices: ['S0000'] })
  dep.remove('S0001')
  dep.add({ serial_number: 'S0001' })
  const sync = () => client.call('POST', '/devices/sync', { cursor })
  const answer = await sync()
  expect(listed(answer.json)).toEqual([
    'modified S0000',
    'modified S0001',
    'modified S0000',
    'deleted S0001',
    'added S0001',
  ])
  expect(answer.json.devices[0]).toMatchObject({
    profile_uuid: json.profile_uuid,
    profile_status: 'assigned',
  })
  expect(answer.json.devices[2]).toMatchObject({ profile_status: 'removed' })
  expect((await sync()).json.devices).toEqual(answer.json.devices)
  const next = await client.call('POST', '/devices/sync', { cursor: answer.json.cursor })
  expect(next.json).toMatchObject({ devices: [], more_to_follow: false })
})

it('pages overlap, hold devices twice and give back their cursor, when they are told to', async () => {
  const client = await withDevices(3)
  const { behaviour } = client.dep
  Object.assign(behaviour, { overlap: 1, duplicates: true })
  const first = await client.call('POST', '/server/devices', { limit: 2 })
  expect(listed(first.json)).toEqual(['S0000', 'S0000', 'S0001', 'S0001'])
  behaviour.sameCursor = 1
  const { cursor } = first.json
  const again = await client.call('POST', '/server/devices', { cursor, limit: 2 })
  expect(again.json).toMatchObject({ cursor, more_to_follow: true })
  const last = await client.call('POST', '/server/devices', { cursor, limit: 2 })
  expect(listed(last.json)).toEqual(['S0001', 'S0001', 'S0002', 'S0002'])
  expect(last.json.more_to_follow).toBe(false)
})

it('cursors are refused that are absent, of another server, unreadable, forgotten or older than a week', async () => {
  const client = await withDevices(1)
  const { dep } = client
  const sync = async (cursor?: string) =>
    (await client.call('POST', '/devices/sync', { cursor })).text
  expect(await sync()).toBe('CURSOR_REQUIRED')
  expect(await sync('garbage')).toBe('INVALID_CURSOR')
  const other = dep.addServer('second')
  const second = clientOf(dep)
  await second.login(dep.newToken(other.uuid))
  expect(await sync(await fetched(second))).toBe('INVALID_CURSOR')
  const cursor = await fetched(client)
  dep.turn(7 * DAY)
  await client.login(dep.newToken())
  expect(await sync(cursor)).toContain('"devices":[]')
  dep.turn(1)
  expect(await sync(cursor)).toBe('EXPIRED_CURSOR')
  const fresh = await fetched(client)
  dep.forgetCursors()
  expect(await sync(fresh)).toBe('INVALID_CURSOR')
})

it('a device that moves away is deleted here and added there; moved back it is modified, with its old profile removed', async () => {
  const client = await withDevices(1)
  const { dep } = client
  const { uuid: here } = dep.server()
  const there = dep.addServer('second')
  const profile = { profile_name: 'P', url: 'https://mdm.example.com/', devices: ['S0000'] }
  const { profile_uuid: uuid } = (await client.call('POST', '/profile', profile)).json
  const cursor = await fetched(client)
  dep.move('S0000', there.uuid)
  expect((await client.call('POST', '/devices', { devices: ['S0000'] })).json.devices).toEqual({
    S0000: { serial_number: 'S0000', response_status: 'NOT_ACCESSIBLE' },
  })
  expect(there.ops.map(({ type }) => type)).toEqual(['added'])
  dep.move('S0000', here)
  const { json } = await client.call('POST', '/devices/sync', { cursor })
  expect(listed(json)).toEqual(['deleted S0000', 'modified S0000'])
  expect(json.devices[1]).toMatchObject({ profile_status: 'removed', profile_uuid: uuid })
})

it('a hidden device is missing from the stream and not from a fetch', async () => {
  const client = await withDevices(1)
  const cursor = await fetched(client)
  client.dep.hide('S0000', true)
  client.dep.modify('S0000', { asset_tag: 'new' })
  const sync = await client.call('POST', '/devices/sync', { cursor })
  expect(sync.json.devices).toEqual([])
  const full = await client.call('POST', '/server/devices', {})
  expect(full.json.devices).toMatchObject([{ serial_number: 'S0000', asset_tag: 'new' }])
})

it('devices are disowned, replaced and locked', async () => {
  const client = await withDevices(3)
  const { dep } = client
  const lock = async (device: string) =>
    (await client.call('POST', '/device/activationlock', { device, escrow_key: 'AB' })).json
  expect(await lock('S0000')).toEqual({ serial_number: 'S0000', response_status: 'SUCCESS' })
  expect(dep.state.devices['S0000']?.lock).toBe('AB')
  expect((await lock('S0000')).response_status).toBe('DEVICE_ALREADY_LOCKED')
  expect((await lock('NONE')).response_status).toBe('NOT_ACCESSIBLE')
  dep.behaviour.activationLock = 'ORG_NOT_SUPPORTED'
  expect((await lock('S0001')).response_status).toBe('ORG_NOT_SUPPORTED')

  const disown = async () =>
    (await client.call('POST', '/devices/disown', { devices: ['S0001', 'NONE'] })).json.devices
  dep.behaviour.mayDisown = false
  expect(await disown()).toEqual({ S0001: 'FAILED', NONE: 'NOT_ACCESSIBLE' })
  dep.behaviour.mayDisown = true
  expect(await disown()).toEqual({ S0001: 'SUCCESS', NONE: 'NOT_ACCESSIBLE' })

  dep.replace('S0002', 'R0001')
  const details = await client.call('GET', '/device/replacementDetails?device=R0001')
  expect(details.json).toMatchObject({ original_serial_number: 'S0002' })
  expect(await client.call('GET', '/device/replacementDetails?device=S0000')).toMatchObject({
    status: 404,
    text: 'DEVICE_NOT_FOUND',
  })
})

it('the URL of account-driven enrolment is set, read and cleared, and there are beta tokens', async () => {
  const client = await newClient()
  const path = '/account-driven-enrollment/profile'
  expect(await client.call('GET', path)).toMatchObject({ status: 404, text: 'NOT_FOUND' })
  const set = (url?: string) => client.call('POST', path, { mdm_service_discovery_url: url })
  expect((await set()).text).toBe('MDM_SERVICE_DISCOVERY_URL_REQUIRED')
  expect((await set('http://x.example')).text).toBe('MDM_SERVICE_DISCOVERY_URL_NOT_VALID')
  const url = 'https://mdm.example.com/.well-known'
  expect(await set(url)).toMatchObject({ status: 200, text: '' })
  expect((await client.call('GET', path)).json).toEqual({ mdm_service_discovery_url: url })
  expect((await client.call('DELETE', path)).status).toBe(200)
  expect((await client.call('GET', path)).status).toBe(404)
  const tokens = await client.call('GET', '/os-beta-enrollment/tokens')
  expect(tokens.json.betaEnrollmentTokens).toMatchObject([{ os: 'iOS' }])
})
