import { beforeAll, describe, expect, it } from 'vitest'
import { ENROLL_ID } from '../../src/enroll/installed-profile.ts'
import { requiredDict, requiredString } from '../../src/plist/dict.ts'
import { downloadProfile, obtainIdentity } from '../../src/simulator/device/enrolment.ts'
import { turn } from './clock.ts'
import { deployed } from './deployment.ts'
import { ask, bytes, heardControl, payloadsOf, post, profileOf, signed } from './enroll-tools.ts'
import { install, newAuthority, scepFetch, someKey } from './scep-client.ts'
import { api, env, newDevice, newIdentity } from './server.ts'

type Settings = Readonly<Record<string, unknown>>
interface Invitation {
  id: string
  state: string
  used: number
  serial_number: string | null
}

const HOUR = 3_600_000
const { MACHINE_INFO } = env as unknown as Record<string, string>
const OPEN = { ENROLLMENT: 'open' }
const KNOWN = { ENROLLMENT: 'known' }
/** The defaults of a Worker. */
const TOKEN = { ENROLLMENT: '' }
const CHOSEN = { ENROLLMENT: 'token', ENROLL_TOKEN: 'opensesame' }

beforeAll(heardControl)
beforeAll(() => install(newAuthority()))

/** The query that the server's own links have. */
async function linkQuery(settings: Settings): Promise<string> {
  const response = await deployed({ ...settings })('GET', '/api/enrollment')
  const { link, profile_url: profile } = await response.json<Record<string, string>>()
  expect(new URL(profile ?? '').search).toBe(new URL(link ?? '').search)
  return new URL(link ?? '').search
}

async function invite(wish: object = {}): Promise<{ id: string; query: string }> {
  const { status, body } = await api<Invitation & { link: string }>(
    'POST',
    '/api/invitations',
    wish,
  )
  expect(status).toBe(201)
  return { id: body.id, query: new URL(body.link).search }
}

const invitationAt = async (id: string) =>
  (await api<Invitation>('GET', `/api/invitations/${id}`)).body

const machine = (serial: string) => ({ UDID: 'U', SERIAL: serial, PRODUCT: 'Mac14,2' })
const ade = (serial: string) => post(signed(machine(serial)))
const phase3 = (serial: string) => post(signed(machine(serial), newIdentity()))

/** A profile from a link, but not yet an identity by it. */
const download = (query: string, settings: Settings = TOKEN) =>
  downloadProfile((url, init) => ask(url, init as RequestInit, settings), `/mdm/enroll${query}`)

const identityBy = async (profile: Awaited<ReturnType<typeof download>>) =>
  obtainIdentity(profile, { fetch: scepFetch, key: someKey }, 'Mac')

/** What phase 2 of an enrolment over the air gives a device. */
async function identityOfPhase2(answer: Response) {
  const [payload] = payloadsOf(await profileOf(answer))
  const challenge = requiredString(requiredDict(payload ?? {}, 'PayloadContent'), 'Challenge')
  const scep = { url: 'http://mdm.test/scep', subject: [['CN', 'Mac']] as const, challenge }
  return identityBy({ ...(await download('', OPEN)), scep })
}

describe('each mode on each way in', () => {
  const LISTED = 'C02LISTED'
  const OTHER = 'C02OTHER'
  const WAYS: Record<string, (query: string, settings: Settings) => Promise<Response>> = {
    page: async (query, settings) => {
      const page = await ask(`/${query}`, {}, settings)
      return new Response(null, { status: (await page.text()).includes('<svg') ? 200 : 403 })
    },
    download: (query, settings) => ask(`/mdm/enroll${query}`, {}, settings),
    head: (query, settings) => ask(`/mdm/enroll${query}`, { method: 'HEAD' }, settings),
    'ADE listed': (query, settings) => ask(`/mdm/enroll${query}`, ade(LISTED), settings),
    'ADE other': (query, settings) => ask(`/mdm/enroll${query}`, ade(OTHER), settings),
    OTA: (query, settings) => ask(`/ota/enroll${query}`, {}, settings),
    'phase 2 listed': (query, settings) => ask(`/ota/phase23${query}`, ade(LISTED), settings),
    'phase 2 other': (query, settings) => ask(`/ota/phase23${query}`, ade(OTHER), settings),
    'phase 3 listed': (query, settings) => ask(`/ota/phase23${query}`, phase3(LISTED), settings),
    'phase 3 other': (query, settings) => ask(`/ota/phase23${query}`, phase3(OTHER), settings),
  }
  const ALL = Object.keys(WAYS)
  const SIGNED = ['page', 'ADE listed', 'OTA', 'phase 2 listed', 'phase 3 listed']
  // What signs phase 3 here got its certificate elsewhere, and its serial number is no more than its word.
  const PROVEN = ['page', 'ADE listed', 'OTA', 'phase 2 listed']
  const any = async () => (await invite({ max_uses: 5 })).query
  const forListed = async () => (await invite({ max_uses: 5, serial_number: LISTED })).query
  const unsigned = ['page', 'download', 'head', 'OTA']

  beforeAll(async () => {
    await api('POST', '/api/known-serials', { ids: [' c02 listed '] })
  })

  it.each<[string, Settings, string, string | (() => Promise<string>), readonly string[]]>([
    ['open', OPEN, 'nothing', '', ALL],
    ['open', OPEN, 'the token of another mode', '?token=x', ALL],
    ['open', OPEN, 'an invitation', any, ALL],
    ['open', OPEN, 'a wrong invitation', `?invitation=${'0'.repeat(32)}`, []],
    ['open', OPEN, 'an empty invitation', '?invitation=', []],
    ['token', TOKEN, 'nothing', '', []],
    ['token', TOKEN, 'a wrong token', '?token=opensesame', []],
    ['token', TOKEN, 'an empty token', '?token=', []],
    ['token', TOKEN, 'its link', () => linkQuery(TOKEN), ALL],
    ['token', TOKEN, 'an invitation', any, ALL],
    ['token', TOKEN, 'a wrong invitation', '?invitation=0', []],
    [
      'token',
      TOKEN,
      'a wrong invitation with the token',
      async () => `${await linkQuery(TOKEN)}&invitation=0`,
      [],
    ],
    ['token', TOKEN, 'an invitation for one device', forListed, [...unsigned, ...SIGNED]],
    ['token', CHOSEN, 'its link', () => linkQuery(CHOSEN), ALL],
    ['token', CHOSEN, 'the link of another token', () => linkQuery(TOKEN), []],
    ['known', KNOWN, 'nothing', '', PROVEN],
    ['known', KNOWN, 'a token', () => linkQuery(TOKEN), PROVEN],
    ['known', KNOWN, 'an invitation', any, ALL],
    ['known', KNOWN, 'an invitation for one device', forListed, [...unsigned, ...SIGNED]],
    ['known', KNOWN, 'a wrong invitation', `?invitation=${'0'.repeat(32)}`, []],
  ])('%s: %j with %s', async (_mode, settings, _what, query, opens) => {
    const shown = typeof query === 'string' ? query : await query()
    const statuses = await Promise.all(
      Object.entries(WAYS).map(async ([way, go]) => [way, (await go(shown, settings)).status]),
    )
    expect(Object.fromEntries(statuses)).toEqual(
      Object.fromEntries(ALL.map((way) => [way, opens.includes(way) ? 200 : 403])),
    )
  })

  it('a listed device passes all phases over the air, and its identity opens them to no other device', async () => {
    const identity = await identityOfPhase2(await ask('/ota/phase23', ade(LISTED), KNOWN))
    const third = (said: Record<string, string>) =>
      ask('/ota/phase23', post(signed(said, identity)), KNOWN)
    expect((await third(machine(LISTED))).status).toBe(200)
    expect((await third({ ...machine(LISTED), UDID: 'OTHER' })).status).toBe(400)
  })

  it('a link that was made with an earlier seal key is still valid', async () => {
    const query = await linkQuery(TOKEN)
    const rotated = {
      ...TOKEN,
      SEAL_KEYS: `new:${btoa('a key of 8'.padEnd(32, 'xy'))},${env.SEAL_KEYS}`,
    }
    expect(await linkQuery(rotated)).not.toBe(query)
    for (const shown of [query, await linkQuery(rotated)]) {
      expect((await ask(`/mdm/enroll${shown}`, {}, rotated)).status).toBe(200)
    }
  })

  it('a device checks in, connects and gets certificates in each mode, without a token', async () => {
    for (const settings of [TOKEN, CHOSEN, KNOWN]) {
      const device = newDevice({
        fetch: (url, init) => ask(url, init as RequestInit, settings) as never,
      })
      expect((await device.enroll()).status).toBe(200)
      const command = { request_type: 'SecurityInfo' }
      await api('POST', `/api/devices/${device.udid}/commands`, command)
      await device.poll()
      expect(device.received).toHaveLength(1)
      for (const path of ['/scep?operation=GetCACaps', '/mdm/anchor-certs', '/MDMServiceConfig']) {
        expect((await ask(path, {}, settings)).status).toBe(200)
      }
    }
  })

  it('gives the reason and a contact, on the page as in a refused download', async () => {
    const said = async (settings: Settings, path: string) => (await ask(path, {}, settings)).text()
    for (const path of ['/', '/mdm/enroll']) {
      expect(await said(TOKEN, path)).toMatch(/full link from your administrator/)
      expect(await said(KNOWN, `${path}?invitation=0`)).toMatch(
        /does not know this invitation.*administrator/,
      )
    }
    expect(await said(KNOWN, '/mdm/enroll')).toMatch(/serial number is on its list.*administrator/)
    expect(await said(OPEN, '/')).toMatch(/Enrolment is open/)
    expect(await said(TOKEN, `/${await linkQuery(TOKEN)}`)).toMatch(/link that you opened/)
    expect(await said(KNOWN, '/')).toMatch(/listed by serial number/)
    expect(await said(KNOWN, '/')).toContain('href="https://mdm.test/ota/enroll"')
  })

  it.each([
    [TOKEN, /^https:\/\/mdm\.example\.com\/mdm\/enroll\?token=[0-9a-f]{32}$/],
    [KNOWN, /^https:\/\/mdm\.example\.com\/ota\/enroll$/],
  ])(
    'an answer to an admin of %j leads to the profile where there is no page',
    async (mode, way) => {
      const settings = { ...mode, HOMEPAGE: 'false', PUBLIC_URL: 'https://mdm.example.com' }
      const response = await deployed(settings)('GET', '/api/enrollment')
      expect(await response.json()).toMatchObject({ link: expect.stringMatching(way) })
    },
  )
})

describe('an invitation', () => {
  it('is used by a certificate, and not by opening its link', async () => {
    const { id, query } = await invite({ note: 'Ada' })
    await ask(`/${query}`, {}, TOKEN)
    await ask(`/mdm/enroll${query}`, { method: 'HEAD' }, TOKEN)
    const [first, second] = [await download(query), await download(query)]
    expect(await invitationAt(id)).toMatchObject({ state: 'open', used: 0, note: 'Ada' })
    await identityBy(second)
    expect(await invitationAt(id)).toMatchObject({ state: 'used_up', used: 1 })
    await expect(identityBy(first)).rejects.toMatchObject({ failInfo: '2' })
    const refused = await ask(`/mdm/enroll${query}`, {}, TOKEN)
    expect(refused.status).toBe(403)
    expect(await refused.text()).toMatch(/used once.*ask your administrator/)
    expect(await (await ask(`/${query}`, {}, TOKEN)).text()).toMatch(/used once/)
  })

  it('counts one use for each certificate, also for requests at the same time', async () => {
    const { id, query } = await invite({ max_uses: 2 })
    const profiles = await Promise.all(Array.from({ length: 4 }, () => download(query)))
    const outcomes = await Promise.allSettled(profiles.map(identityBy))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    expect(await invitationAt(id)).toMatchObject({ used: 2, state: 'used_up' })
  })

  it('counts with a static challenge too, and does not give that challenge', async () => {
    const { id, query } = await invite()
    const settings = { ...TOKEN, SCEP_CHALLENGE: 'everyone knows' }
    const profile = await download(query, settings)
    expect(profile.scep.challenge).not.toBe('everyone knows')
    await identityBy(profile)
    expect(await invitationAt(id)).toMatchObject({ used: 1 })
  })

  it('ends at its time, with the profiles that were downloaded with it', async () => {
    const { id, query } = await invite({ lifetime: '1h' })
    const profile = await download(query)
    turn(HOUR - 1)
    expect((await ask(`/mdm/enroll${query}`, {}, TOKEN)).status).toBe(200)
    turn(1)
    const refused = await ask(`/mdm/enroll${query}`, {}, TOKEN)
    expect(refused.status).toBe(403)
    expect(await refused.text()).toMatch(/ended at 20.*administrator/)
    await expect(identityBy(profile)).rejects.toMatchObject({ failInfo: '2' })
    expect(await invitationAt(id)).toMatchObject({ state: 'expired', used: 0 })
  })

  it('ends when it is revoked, with the profiles that were downloaded with it', async () => {
    const { id, query } = await invite()
    const profile = await download(query)
    const revoked = await api<Invitation>('DELETE', `/api/invitations/${id}`)
    expect(revoked).toMatchObject({ status: 200, body: { state: 'revoked' } })
    const refused = await ask(`/mdm/enroll${query}`, {}, TOKEN)
    expect(refused.status).toBe(403)
    expect(await refused.text()).toMatch(/revoked.*administrator/)
    await expect(identityBy(profile)).rejects.toMatchObject({ failInfo: '2' })
    turn(HOUR)
    expect((await api('DELETE', `/api/invitations/${id}`)).body).toEqual(revoked.body)
    // Who finds a link that leaked has no id.
    const leaked = await invite()
    const [, secret] = leaked.query.split('=')
    expect(await invitationAt(secret ?? '')).toMatchObject({ id: leaked.id, state: 'open' })
    await api('DELETE', `/api/invitations/${secret}`)
    expect(await invitationAt(leaked.id)).toMatchObject({ state: 'revoked' })
  })

  it('is deleted 30 days after its end, and not before', async () => {
    const { id } = await invite({ lifetime: '1h' })
    turn(HOUR + 30 * 24 * HOUR - 1)
    await invite()
    expect(await invitationAt(id)).toMatchObject({ state: 'expired' })
    turn(1)
    await invite()
    expect((await api('GET', `/api/invitations/${id}`)).status).toBe(404)
  })

  it('for one device refuses another, and names its device on the page', async () => {
    const { query } = await invite({ serial_number: 'ade-serial' })
    expect((await ask(`/mdm/enroll${query}`, post(bytes(MACHINE_INFO)), TOKEN)).status).toBe(200)
    const other = await ask(`/mdm/enroll${query}`, ade('C02OTHER'), TOKEN)
    expect(other.status).toBe(403)
    expect(await other.text()).toMatch(/for another device/)
    expect(await (await ask(`/${query}`, {}, TOKEN)).text()).toContain('ADE-SERIAL')
  })

  it('needs two uses for an enrolment over the air, and is valid in all phases', async () => {
    const once = await ask(`/ota/enroll${(await invite()).query}`, {}, TOKEN)
    expect(once.status).toBe(403)
    expect(await once.text()).toMatch(/two uses/)
    const { id, query } = await invite({ max_uses: 2 })
    const service = await profileOf(await ask(`/ota/enroll${query}`, {}, TOKEN))
    const url = requiredString(requiredDict(service, 'PayloadContent'), 'URL')
    const identity = await identityOfPhase2(await ask(url, ade('S'), TOKEN))
    expect(await invitationAt(id)).toMatchObject({ used: 1 })
    const last = await profileOf(await ask(url, post(signed(machine('S'), identity)), TOKEN))
    const [, mdm] = payloadsOf(last)
    expect(last['PayloadIdentifier']).toBe(ENROLL_ID)
    expect(JSON.stringify(mdm)).not.toContain('invitation')
  })

  it('keeps few challenges for many downloads, and a wrong one writes nothing', async () => {
    const { id, query } = await invite()
    const challenges = () =>
      env.DB.prepare('SELECT count(*) AS n FROM challenges WHERE invitation = ?')
        .bind(id)
        .first<number>('n')
    const first = await download(query)
    for (let tap = 0; tap < 25; tap++) {
      turn(1)
      await download(query)
    }
    expect(await challenges()).toBe(21)
    await expect(identityBy(first)).rejects.toMatchObject({ failInfo: '2' })
    const statements: string[] = []
    const DB = new Proxy(env.DB, {
      get: (db, name) => (statement: string) => {
        statements.push(String(name), statement)
        return db.prepare(statement)
      },
    })
    for (const guess of ['f'.repeat(32), 'F'.repeat(32), '', 'x'.repeat(5000)]) {
      for (const path of ['/', '/mdm/enroll', '/ota/enroll']) {
        await ask(`${path}?invitation=${guess}`, {}, { ...TOKEN, DB })
      }
    }
    // One look-up for each that has the form of a secret.
    expect(statements).toHaveLength(6)
    const look = await ask(`/mdm/enroll${query}`, { method: 'HEAD' }, { ...TOKEN, DB })
    expect(look.status).toBe(200)
    expect(statements.join()).not.toMatch(/insert|update|delete|batch/i)
  })
})

describe('the admin API of enrolment', () => {
  it('shows the secret of an invitation once, and keeps only its hash', async () => {
    const { id, query } = await invite({ note: 'once' })
    const secret = new URLSearchParams(query).get('invitation') ?? ''
    expect(secret).toMatch(/^[0-9a-f]{32}$/)
    const { results } = await env.DB.prepare('SELECT * FROM invitations').all()
    const told = [results, (await api('GET', '/api/invitations')).body, await invitationAt(id)]
    expect(JSON.stringify(told)).toContain(id)
    expect(JSON.stringify(told)).not.toContain(secret)
  })

  it('lists invitations in pages, newest first', async () => {
    turn(1)
    const older = await invite()
    turn(1)
    const newer = await invite()
    type Page = { items: Invitation[]; next: string }
    const first = (await api<Page>('GET', '/api/invitations?limit=1')).body
    expect(first.items).toMatchObject([{ id: newer.id }])
    const next = await api<Page>('GET', `/api/invitations?limit=1&cursor=${first.next}`)
    expect(next.body.items).toMatchObject([{ id: older.id }])
  })

  it('refuses an invitation if too many are open; ended ones do not count', async () => {
    await env.DB.prepare('DELETE FROM invitations').run()
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        INSERT INTO invitations SELECT 'full' || i, '', '', 0, 4000000000000, 1, 0, 0 FROM n`,
    ).run()
    const full = await api('POST', '/api/invitations', {})
    expect(full).toMatchObject({ status: 409, body: { detail: expect.stringContaining('revoke') } })
    await api('DELETE', '/api/invitations/full7')
    await invite()
    expect((await api('GET', '/api/invitations/full7')).status).toBe(404)
    expect((await api('GET', '/api/invitations/full8')).status).toBe(200)
    await env.DB.prepare(`DELETE FROM invitations WHERE id LIKE 'full%'`).run()
  })

  it.each([
    [{ lifetime: '366d' }],
    [{ lifetime: '0m' }],
    [{ lifetime: '7' }],
    [{ max_uses: 0 }],
    [{ max_uses: 1001 }],
    [{ serial_number: 'ü' }],
    [{ serial_number: ' ' }],
    [{ note: 'x'.repeat(201) }],
    [{ uses: 1 }],
  ])('refuses the invitation %j', async (wish) => {
    expect((await api('POST', '/api/invitations', wish)).status).toBe(400)
  })
})
