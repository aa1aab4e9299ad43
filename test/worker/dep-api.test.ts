/** Apple Business Manager in our own API. */
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { readPem } from '../../src/pki/x509/certificate.ts'
import { apple, connected, synced, tokenFile } from './abm-tools.ts'
import { turn } from './clock.ts'
import { api, BASIC, enrolled, listedAs, serve } from './server.ts'

type Items<Item = Record<string, unknown>> = { items: Item[]; next: string | null; total: number }

const URL_OF_PROFILE = 'https://mdm.example.com/mdm/enroll'
const MAC = { profile: { url: URL_OF_PROFILE, is_supervised: true } }
let account = ''

beforeAll(async () => {
  account = await connected()
})
// An account assigns once in a second.
beforeEach(() => turn(1000))

let count = 0

/** New devices, which the Worker knows. */
async function added(number: number, facts: object = {}): Promise<string[]> {
  count += 1
  const serials = Array.from({ length: number }, (_, n) => `C02API${count}N${n}`)
  serials.forEach((serial_number) => apple.add({ serial_number, ...facts }))
  await synced()
  turn(1000)
  return serials
}

/** A profile that the server defined. @returns its uuid */
async function defined(name: string, body: object = MAC): Promise<string> {
  const put = await api<{ uuid: string }>('PUT', `/api/dep/profiles/${name}`, body)
  expect(put).toMatchObject({ status: 200 })
  return put.body.uuid
}

const devices = async (query: string) =>
  (await api<Items>('GET', `/api/dep/devices?${query}`)).body.items.map(({ id }) => id)
const device = async (serial: string) => (await api('GET', `/api/dep/devices/${serial}`)).body
const faultsOf = (answer: { status: number; body: Record<string, unknown> }) => [
  answer.status,
  answer.body['code'],
]

describe('accounts', () => {
  it('come from a token for one of the certificates, and keep their id with the next token', async () => {
    const key = await api<{ id: string; certificate: string }>('POST', '/api/dep/keys')
    expect(key.status).toBe(201)
    expect(readPem(key.body.certificate)).toHaveLength(1)
    const p7m_content = btoa(apple.tokenFile(key.body.certificate))
    const imported = await api('POST', '/api/dep/tokens', { p7m_content })
    expect(imported).toMatchObject({
      status: 200,
      body: { id: account, server_name: apple.server().name },
    })
    const { body } = await api<Items>('GET', '/api/dep/accounts')
    expect(body).toMatchObject({ items: [{ id: account }], total: 1 })
    // The token for the certificate before is as good.
    const again = await api('POST', '/api/dep/tokens', { p7m_content: await tokenFile() })
    expect(again).toMatchObject({ status: 200, body: { id: account } })
  })

  it('stay as they are when a file is no token for them', async () => {
    const stranger = `${'-'.repeat(5)}BEGIN`
    for (const p7m_content of [btoa('garbage'), btoa(stranger), '']) {
      const refused = await api('POST', '/api/dep/tokens', { p7m_content })
      expect(faultsOf(refused)).toEqual([409, 'dep_refused'])
      expect(refused.body['detail']).toMatch(/\w+ \w+ \w+/)
    }
    expect(faultsOf(await api('POST', '/api/dep/tokens', { p7m_content: '!' }))).toEqual([
      400,
      'invalid_request',
    ])
    expect((await api('GET', '/v1/dep/account')).status).toBe(200)
  })

  it('show how they stand with Apple, and what a sync found', async () => {
    await added(2)
    const { body } = await api('GET', `/api/dep/accounts/${account}`)
    expect(body).toMatchObject({
      id: account,
      flag: null,
      not_before: null,
      assigns: 'own',
      last_run: { error: null },
      token_expires_at: expect.stringMatching(/^20/),
    })
    expect((body['devices'] as { total: number }).total).toBeGreaterThanOrEqual(2)
    const stop = apple.fail({
      path: '/account',
      status: 503,
      headers: { 'retry-after': '120' },
      times: 1,
    })
    expect((await api('GET', '/v1/dep/account')).body['code']).toBeUndefined()
    stop()
    const waiting = await api('POST', `/api/dep/accounts/${account}/sync`, { full: true })
    expect(faultsOf(waiting)).toEqual([409, 'dep_refused'])
    const { body: held } = await api('GET', `/api/dep/accounts/${account}`)
    expect(held['not_before']).toMatch(/^20/)
    turn(120_000)
    const full = await api('POST', `/api/dep/accounts/${account}/sync`, { full: true })
    expect(full).toMatchObject({
      status: 200,
      body: { state: 'done', account: { not_before: null, last_run: { full: true, error: null } } },
    })
  })

  it('say that Apple does not answer', async () => {
    const stop = apple.fail({ path: '/devices/sync', drop: 'request' })
    const answer = await api('POST', `/api/dep/accounts/${account}/sync`, {})
    expect(faultsOf(answer)).toEqual([503, 'dep_unavailable'])
    stop()
    turn(60_000)
  })
})

describe('devices', () => {
  it('are found by each filter, in pages', async () => {
    const macs = await added(3, { model: 'MacBook Air' })
    const [pad = ''] = await added(1, { model: 'iPad Pro' })
    const [assigned = '', ...rest] = macs
    const uuid = await defined('found')
    await api('POST', '/api/dep/devices/assign', { ids: [assigned], profile: 'found' })
    const its = `serial_number=${[...macs, pad].join()}`
    expect(await devices(its)).toEqual([...macs, pad].toSorted())
    expect(await devices(`${its}&family=mac`)).toEqual(macs)
    expect(await devices(`${its}&model=macbook%20a`)).toEqual(macs)
    expect(await devices(`${its}&family=iPad`)).toEqual([pad])
    expect(await devices(`${its}&status=assigned`)).toEqual([assigned])
    expect(await devices(`${its}&status=empty&family=Mac`)).toEqual(rest)
    expect(await devices(`profile=${uuid}`)).toEqual([assigned])
    expect(await devices(`${its}&outcome=success`)).toEqual([assigned])
    expect(await devices(`${its}&account=none`)).toEqual([])
    apple.remove(pad)
    await synced()
    expect(await devices(`${its}&live=false`)).toEqual([pad])
    const first = (await api<Items>('GET', `/api/dep/devices?${its}&limit=3`)).body
    expect([first.items.length, first.total]).toEqual([3, 4])
    const next = `/api/dep/devices?${its}&limit=3&cursor=${first.next}`
    expect((await api<Items>('GET', next)).body).toMatchObject({ items: [{}], next: null })
    expect((await api('GET', '/api/dep/devices?status=lost')).status).toBe(400)
  })

  it('show Apple’s record and their enrolment, and a device shows its record', async () => {
    const deadline = '2026-12-24T12:00:00Z'
    const more = { asset_tag: 'T7', mdm_migration_deadline: deadline }
    const [serial = ''] = await added(1, more)
    expect(await device(serial.toLowerCase())).toMatchObject({
      id: serial,
      account,
      live: true,
      asset_tag: 'T7',
      profile_status: 'empty',
      outcome: null,
      record: { serial_number: serial, asset_tag: 'T7' },
      migration_deadline: deadline,
      device_id: null,
      device_ids: [],
    })
    const mac = await enrolled({ serial })
    await listedAs(mac, 'enrolled')
    expect(await device(serial)).toMatchObject({ device_id: mac.udid, device_ids: [mac.udid] })
    expect(await devices(`serial_number=${serial}&unenrolled=true`)).toEqual([])
    const page = () => api('GET', `/api/devices/${mac.udid}`)
    expect((await page()).body['apple_business']).toMatchObject({ id: serial, live: true })
    apple.remove(serial)
    await synced()
    expect((await page()).body['apple_business']).toMatchObject({ id: serial, live: false })
    const other = await enrolled()
    expect((await api('GET', `/api/devices/${other.udid}`)).body['apple_business']).toBeNull()
  })

  it('have Apple’s word for each assignment, and the time of the next try', async () => {
    const [good = '', failing = ''] = await added(2)
    await defined('words')
    apple.outcome(failing, { status: 'FAILED' })
    const ids = [good, failing, 'C02NOTOURS']
    const assigned = await api('POST', '/api/dep/devices/assign', { ids, profile: 'words' })
    expect(assigned.body['outcomes']).toEqual([
      { id: good, outcome: 'success' },
      { id: failing, outcome: 'failed' },
      { id: 'C02NOTOURS', outcome: 'not_accessible' },
    ])
    expect(await device(failing)).toMatchObject({
      profile_status: 'empty',
      outcome: 'failed',
      tries: 1,
      next_try_at: expect.stringMatching(/^20/),
    })
    const removed = await api('POST', '/api/dep/devices/unassign', { ids: [good] })
    expect(removed.body['outcomes']).toEqual([{ id: good, outcome: 'success' }])
    expect(await device(good)).toMatchObject({ profile_status: 'removed' })
    const unknown = await api('POST', '/api/dep/devices/assign', { ids: [good], profile: 'none' })
    expect(faultsOf(unknown)).toEqual([404, 'dep_profile_not_found'])
  })
})

describe('profiles', () => {
  it('keep their name over new contents, and their history', async () => {
    const first = await defined('kept')
    expect(await defined('kept')).toBe(first)
    const [serial = ''] = await added(1)
    await api('POST', '/api/dep/devices/assign', { ids: [serial], profile: 'kept' })
    turn(1000)
    const put = await api('PUT', '/api/dep/profiles/kept', {
      profile: { ...MAC.profile, department: 'IT' },
    })
    expect(put.body).toMatchObject({ name: 'kept', replaced_at: null, replaced_on: 1 })
    const second = put.body['uuid']
    expect(second).not.toBe(first)
    await synced()
    expect(await device(serial)).toMatchObject({ profile_uuid: second })
    expect((await api('GET', '/api/dep/profiles/kept')).body).toMatchObject({ uuid: second })
    expect((await api('GET', `/api/dep/profiles/${first}`)).body).toMatchObject({
      uuid: first,
      name: 'kept',
      replaced_at: expect.stringMatching(/^20/),
      profile: { profile_name: 'kept', url: URL_OF_PROFILE },
    })
    const named = async (query: string) =>
      (await api<Items>('GET', `/api/dep/profiles${query}`)).body.items
        .filter(({ name }) => name === 'kept')
        .map(({ uuid }) => uuid)
    expect(await named('')).toEqual([second])
    expect(await named('?replaced=true')).toEqual([second, first])
  })

  it('warn of panes that no device knows, and skip all of them by one word', async () => {
    const odd = { profile: { ...MAC.profile, skip_setup_items: ['Sirri', 'Siri'] } }
    const put = await api('PUT', '/api/dep/profiles/warned', odd)
    expect(put.body['warnings']).toEqual([expect.stringMatching(/Sirri.*Siri/)])
    const all = { profile: { ...MAC.profile, skip_setup_items: 'all' } }
    const uuid = await defined('all', all)
    const sent = apple.state.profiles[uuid]?.json['skip_setup_items'] as string[]
    expect(sent).toEqual(expect.arrayContaining(['Siri', 'Privacy', 'TOS']))
  })

  it.each([
    [{ url: undefined }, 'json.profile.url', 'CONFIG_URL_REQUIRED'],
    [
      { is_mdm_removable: false, is_supervised: false },
      'json.profile.is_mdm_removable',
      'FLAGS_INVALID',
    ],
    [{ department: 'x'.repeat(126) }, 'json.profile.department', 'DEPARTMENT_INVALID'],
    [{ profile_name: 'other' }, 'json.profile.profile_name', 'leave it out'],
  ])('are refused with the place of the fault: %j', async (more, at, said) => {
    const { status, body } = await api('PUT', '/api/dep/profiles/bad', {
      profile: { ...MAC.profile, ...more },
    })
    expect(status).toBe(400)
    expect(body['errors']).toEqual([{ at, detail: expect.stringContaining(said) }])
    expect((await api('GET', '/api/dep/profiles/bad')).status).toBe(404)
  })
})

describe('rules', () => {
  const path = () => `/api/dep/accounts/${account}/rules`

  it('are counted before they are stored, and leave the profiles of others until confirmed', async () => {
    const foreign = await added(3, { model: 'iPhone 17' })
    for (const serial of foreign) {
      apple.modify(serial, {})
      Object.assign(apple.state.devices[serial] ?? {}, {
        profile: { uuid: 'F'.repeat(32), status: 'assigned', assignedAt: 0 },
      })
      apple.modify(serial, { color: 'BLUE' })
    }
    const fresh = await added(2, { model: 'iPhone 17' })
    const uuid = await defined('phones')
    const rules = [{ match: { model: ['iphone*'] }, profile: 'phones' }]
    const preview = { assign: 2, foreign: 3, profiles: { [uuid]: 5 }, rules: [5] }
    const dry = await api('PUT', `${path()}?dry_run=true`, { rules })
    expect(dry).toMatchObject({ status: 200, body: { preview } })
    expect((await api('GET', path())).body).toMatchObject({ rules: [] })

    expect((await api('PUT', path(), { rules })).body).toMatchObject({ preview })
    await synced()
    expect(await devices(`profile=${uuid}`)).toEqual(fresh)
    expect((await api('GET', path())).body).toMatchObject({
      rules: [{ match: { model: ['iphone*'], family: null }, profile: 'phones' }],
      preview: { assign: 0, foreign: 3, rules: [5] },
    })
    turn(1000)
    const confirmed = await api('POST', `/api/dep/accounts/${account}/confirm`)
    expect(confirmed).toMatchObject({ status: 200, body: { assigns: 'all' } })
    await synced()
    expect(await devices(`profile=${uuid}`)).toEqual([...foreign, ...fresh].toSorted())
  })

  it.each([
    [
      [
        { match: {}, profile: 'phones' },
        { match: { os: ['OSX'] }, profile: 'phones' },
      ],
      400,
      'json.rules.1',
    ],
    [[{ match: { colour: ['x'] }, profile: 'phones' }], 400, 'json.rules.0.match'],
    [[{ match: { os: [] }, profile: 'phones' }], 400, 'json.rules.0.match.os'],
    [[{ match: {}, profile: 'none' }], 404, undefined],
  ])('are refused: %j', async (rules, status, at) => {
    const refused = await api<{ errors: { at: string }[] }>('PUT', path(), { rules })
    expect([refused.status, refused.body.errors[0]?.at]).toEqual([status, at])
  })
})

describe('what cannot be undone', () => {
  it('happens only if it is confirmed, and is logged', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const [serial = ''] = await added(1)
    const disown = '/api/dep/devices/disown'
    for (const confirm of [undefined, { action: 'disown', count: 2 }]) {
      const refused = await api('POST', disown, { ids: [serial], confirm })
      expect(faultsOf(refused)).toEqual([409, 'confirmation_required'])
      expect(refused.body['detail']).toContain('{"action":"disown","count":1}')
    }
    const lock = `/api/dep/devices/${serial}/activation-lock`
    for (const confirm of [undefined, { action: 'activation-lock', id: 'C02OTHER' }]) {
      expect(faultsOf(await api('POST', lock, { confirm }))).toEqual([409, 'confirmation_required'])
    }
    expect(apple.state.devices[serial]).toMatchObject({ server: apple.server().uuid, lock: '' })
    const sent = { lost_message: 'Call us', confirm: { id: serial, action: 'activation-lock' } }
    expect((await api('POST', lock, sent)).body).toEqual({ id: serial, outcome: 'success' })
    const response = await serve(disown, {
      method: 'POST',
      headers: { authorization: BASIC, 'x-actor': 'ada' },
      body: JSON.stringify({ ids: [serial, serial], confirm: { count: 1, action: 'disown' } }),
    })
    expect(await response.json()).toEqual({ outcomes: [{ id: serial, outcome: 'success' }] })
    const lines = warned.mock.calls.map(([line]) => JSON.parse(String(line)))
    warned.mockRestore()
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'dep:activation-lock', serial, outcome: 'success' }),
    )
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'dep:disowned', account, serial, by: 'ada' }),
    )
    turn(1000)
    await synced()
    expect(await device(serial)).toMatchObject({ live: false })
  })

  it('an account is forgotten whole, and its token can come again', async () => {
    const [serial = ''] = await added(1)
    const refused = await api('DELETE', `/api/dep/accounts/${account}`)
    expect(faultsOf(refused)).toEqual([409, 'confirmation_required'])
    const path = `/api/dep/accounts/${account}?confirm=${account}`
    expect((await api('DELETE', path)).status).toBe(204)
    expect((await api<Items>('GET', '/api/dep/accounts')).body.items).toEqual([])
    expect((await api('GET', `/api/dep/devices/${serial}`)).status).toBe(404)
    expect(faultsOf(await api('GET', '/api/dep/profiles'))).toEqual([404, 'dep_account_not_found'])
    expect((await api('GET', '/v1/dep/account')).status).toBe(500)
    expect(await connected()).toBe(account)
    await synced()
    expect(await device(serial)).toMatchObject({ live: true })
    expect((await api<Items>('GET', '/api/dep/profiles')).body.items).toEqual([])
  })
})
