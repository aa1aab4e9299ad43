import { expect, it } from 'vitest'
import { type Client, newClient } from './client.ts'

const GOOD = { profile_name: 'Staff', url: 'https://mdm.example.com/mdm/enroll?bp=staff' }

async function withDevices(...names: readonly string[]): Promise<Client> {
  const client = await newClient()
  names.forEach((serial) => client.dep.add({ serial_number: serial }))
  return client
}

async function define(client: Client, more: object = {}): Promise<string> {
  return (await client.call('POST', '/profile', { ...GOOD, ...more })).json.profile_uuid
}

it.each([
  ['CONFIG_NAME_REQUIRED', { profile_name: '' }],
  ['CONFIG_NAME_INVALID', { profile_name: 'n'.repeat(126) }],
  ['CONFIG_URL_REQUIRED', { url: undefined }],
  ['CONFIG_URL_INVALID', { url: '' }],
  ['CONFIG_URL_INVALID', { url: 'https://a.example/with a space' }],
  ['CONFIG_URL_INVALID', { url: `https://a.example/${'u'.repeat(2000)}` }],
  ['CONFIG_URL_INVALID', { configuration_web_url: 'ftp://a.example' }],
  ['DEPARTMENT_INVALID', { department: 'd'.repeat(126) }],
  ['SUPPORT_PHONE_INVALID', { support_phone_number: '1'.repeat(51) }],
  ['SUPPORT_EMAIL_INVALID', { support_email_address: 'e'.repeat(251) }],
  ['MAGIC_INVALID', { org_magic: 'm'.repeat(257) }],
  ['FLAGS_INVALID', { is_mdm_removable: false }],
  ['LOCALE_INVALID', { language: 'English' }],
  ['LOCALE_INVALID', { region: 'usa' }],
  ['MALFORMED_REQUEST_BODY', { is_supervised: 'yes' }],
])('a profile is refused with %s', async (word, change) => {
  const client = await newClient()
  const answer = await client.call('POST', '/profile', { ...GOOD, ...change })
  expect([answer.status, answer.text]).toEqual([400, word])
})

it('a profile keeps all its keys at their limits, unknown ones too, and is read back without its devices', async () => {
  const client = await withDevices('A100')
  const profile = {
    ...GOOD,
    profile_name: 'n'.repeat(125),
    org_magic: '',
    is_supervised: true,
    is_mdm_removable: false,
    language: 'de',
    region: 'CH',
    later_key: { deep: [1] },
  }
  const answer = await client.call('POST', '/profile', { ...profile, devices: ['A100', 'NONE'] })
  expect(answer.json.devices).toEqual({ A100: 'SUCCESS', NONE: 'NOT_ACCESSIBLE' })
  const { profile_uuid: uuid } = answer.json
  const read = await client.call('GET', `/profile?profile_uuid=${uuid}`)
  expect(read.json).toEqual({ profile_uuid: uuid, ...profile })
  expect((await client.call('GET', '/profile')).text).toBe('PROFILE_UUID_REQUIRED')
  expect(await client.call('GET', '/profile?profile_uuid=x')).toMatchObject({
    status: 400,
    text: 'NOT_FOUND',
  })
  client.dep.behaviour.unknownSerial = 'NOT_FOUND'
  const refused = await client.call('POST', '/profile', { ...GOOD, devices: ['NONE'] })
  expect(refused).toMatchObject({ status: 400, text: 'NOT_FOUND' })
})

it.each(['PUT', 'POST'])(
  '%s /profile/devices assigns, and answers for each serial number',
  async (method) => {
    const client = await withDevices('A100', 'A200', 'A300', 'A400')
    const { dep } = client
    const uuid = await define(client)
    dep.outcome('A200', { status: 'FAILED' })
    dep.outcome('A300', { status: 'THROTTLED', seconds: 60 })
    dep.outcome('A400', { status: 'omitted' })
    const assign = (devices?: readonly string[], profile_uuid = uuid) =>
      client.call(method, '/profile/devices', { profile_uuid, devices })
    const { json } = await assign(['A100', 'A200', 'A300', 'A400', 'NONE'])
    expect(json).toEqual({
      profile_uuid: uuid,
      devices: { A100: 'SUCCESS', A200: 'FAILED', A300: 'THROTTLED', NONE: 'NOT_ACCESSIBLE' },
      retry_after_seconds: 60,
    })
    client.version = '8'
    expect((await assign(['A300'])).json).toEqual({
      profile_uuid: uuid,
      devices: { A300: 'FAILED' },
    })
    client.version = '9'
    expect((await assign(['A300'])).json).toEqual({
      profile_uuid: uuid,
      devices: { A300: 'THROTTLED' },
    })
    dep.turn(60_000)
    expect((await assign(['A200', 'A300', 'A400'])).json.devices).toEqual({
      A200: 'SUCCESS',
      A300: 'SUCCESS',
      A400: 'SUCCESS',
    })
    expect((await assign()).text).toBe('DEVICE_ID_REQUIRED')
    expect((await assign(['A100'], '')).text).toBe('PROFILE_UUID_REQUIRED')
    expect(await assign(['A100'], 'x')).toMatchObject({ status: 404, text: 'PROFILE_NOT_FOUND' })
  },
)

it('a device gets its profile with the deadline of its migration, counts as pushed, and a new assignment resets that', async () => {
  const client = await withDevices('A100')
  const { dep } = client
  expect(dep.activate('A100')).toBeUndefined()
  const uuid = await define(client, { devices: ['A100'], await_device_configured: true })
  dep.modify('A100', { mdm_migration_deadline: '2026-12-24T00:00:00Z' })
  expect(dep.activate('A100')).toMatchObject({
    profile: {
      profile_uuid: uuid,
      ...GOOD,
      await_device_configured: true,
      mdm_migration_deadline: '2026-12-24T00:00:00Z',
    },
    certificate: expect.stringContaining('BEGIN CERTIFICATE'),
  })
  const status = async () =>
    (await client.call('POST', '/devices', { devices: ['A100'] })).json.devices.A100.profile_status
  expect(await status()).toBe('pushed')
  await client.call('POST', '/profile/devices', { profile_uuid: uuid, devices: ['A100'] })
  expect(await status()).toBe('assigned')
  await client.call('DELETE', '/profile/devices', { devices: ['A100'] })
  expect(await status()).toBe('removed')
  expect(dep.activate('A100')).toBeUndefined()
})

it('the list of blame is empty for a good client and names what a bad one does', async () => {
  const client = await withDevices('A100')
  const { dep } = client
  const uuid = await define(client)
  const full = async () => (await client.call('POST', '/server/devices', {})).json.cursor
  const cursor = await full()
  await client.call('POST', '/profile/devices', { profile_uuid: uuid, devices: ['A100'] })
  await client.call('POST', '/devices/sync', { cursor })
  expect(dep.blame).toEqual([])

  await client.call('POST', '/profile/devices', { profile_uuid: uuid, devices: ['A100', 'A100'] })
  const many = Array.from({ length: 1001 }, (_, n) => `S${n}`)
  expect((await client.call('POST', '/devices', { devices: many })).status).toBe(400)
  await define(client, { url: 'http://mdm.example.com' })
  await full()
  for (let times = 0; times < 2; times += 1) {
    expect((await client.call('POST', '/server/devices', { cursor })).text).toBe('EXHAUSTED_CURSOR')
  }
  const token = dep.newToken()
  await client.login(token)
  await client.login(token)
  client.version = undefined
  await client.call('GET', '/account')
  client.version = '10'
  dep.fail({ status: 429, headers: { 'retry-after': '30' }, times: 1 })
  expect((await client.call('GET', '/account')).status).toBe(429)
  await client.call('GET', '/account')
  dep.turn(30_000)
  await client.call('GET', '/account')
  expect(dep.blame.map(({ kind }) => kind)).toEqual([
    'serial twice',
    'assigned again',
    'more than 1000 serials',
    'http URL in a profile',
    'needless full fetch',
    'exhausted twice',
    'many sessions',
    'no version header',
    'before Retry-After',
  ])
})

it('a throttled device that is assigned too early stays throttled, which the list of blame names', async () => {
  const client = await withDevices('A100')
  const uuid = await define(client)
  client.dep.outcome('A100', { status: 'THROTTLED', seconds: 60 })
  const assign = async () =>
    (await client.call('PUT', '/profile/devices', { profile_uuid: uuid, devices: ['A100'] })).json
  await assign()
  client.dep.turn(59_000)
  expect(await assign()).toMatchObject({ devices: { A100: 'THROTTLED' }, retry_after_seconds: 1 })
  expect(client.dep.blame).toMatchObject([{ kind: 'before Retry-After', about: 'A100' }])
})
