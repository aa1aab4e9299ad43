import { generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  addPerson,
  AUD,
  confusedToken,
  jwk,
  KEY,
  newTeam,
  NEXT_KEY,
  type Team,
  tokenOf,
  unsignedToken,
} from './access-tools.ts'
import { fromNow, turn } from './clock.ts'
import { newKey, revokeAll, signIn, withCookie } from './keys-api-tools.ts'
import { api, resetRules } from './server.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A team whose keys can be read. */
async function openTeam(): Promise<Team> {
  const team = newTeam()
  await team.serve({ keys: [jwk('one', KEY), jwk('two', NEXT_KEY)] })
  return team
}

const cookieIn = (response: Response): string =>
  response.headers.get('set-cookie')?.split(';')[0] ?? ''

async function said(response: Response): Promise<{ code: string; detail: string }> {
  return response.json()
}

beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await resetRules()
  // Sessions, copies of keys and counted mistakes of earlier tests are over.
  turn(DAY)
  await revokeAll()
})

describe('a person of Cloudflare Access', () => {
  it('has no scope until an admin gives one, and nothing is stored', async () => {
    const team = await openTeam()
    const response = await team.signIn(tokenOf(team.claims()))
    expect(response.status).toBe(403)
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(await said(response)).toMatchObject({
      code: 'no_grant',
      detail: expect.stringContaining('ada@example.com has no scope here yet'),
    })
    const { body } = await api<{ items: object[] }>('GET', '/api/keys')
    expect(body.items).toEqual([])
  })

  it('gets a session with these scopes and the address as the name, which the audit has', async () => {
    const id = await addPerson(['read', 'command'])
    const team = await openTeam()
    const response = await team.signIn(tokenOf(team.claims()))
    expect(response.status).toBe(201)
    expect(await response.clone().json()).toMatchObject({
      key: { id, name: 'ada@example.com' },
      who: 'ada@example.com',
      scopes: ['read', 'command'],
      access: true,
      expires_at: fromNow(12 * HOUR),
    })
    const whoami = await withCookie(cookieIn(response), '/api/whoami')
    expect(await whoami.json()).toMatchObject({ id, who: 'ada@example.com' })
    expect((await withCookie(cookieIn(response), '/api/keys')).status).toBe(403)
    const { body } = await api<{ items: object[] }>('GET', '/api/audit?limit=1')
    const by = { by: 'Cloudflare Access' }
    expect(body.items).toMatchObject([
      { action: 'session.open', actor: { id, who: 'ada@example.com' }, detail: by },
    ])
  })

  it('is the same in small and capital letters, and another with a letter that only looks small', async () => {
    await addPerson(['read'], { email: 'Mark.K@Example.com' })
    const team = await openTeam()
    const statusFor = async (email: string) =>
      (await team.signIn(tokenOf(team.claims({ email })))).status
    expect(await statusFor('MARK.k@example.COM')).toBe(201)
    // K, the sign of kelvin: Unicode makes k of it.
    expect(await statusFor('mar\u212A.k@example.com')).toBe(401)
    expect(await statusFor('mark.k@example.com.evil.test')).toBe(403)
  })

  it('does not get the scopes of a key that has the address as its name', async () => {
    await newKey(['admin'], { name: 'ada@example.com' })
    const team = await openTeam()
    expect((await team.signIn(tokenOf(team.claims()))).status).toBe(403)
  })

  it('is signed out within 30 seconds when the grant is taken back, and cannot sign in again', async () => {
    const id = await addPerson()
    const team = await openTeam()
    const token = tokenOf(team.claims())
    const cookie = cookieIn(await team.signIn(token))
    await api('DELETE', `/api/keys/${id}`)
    turn(30_000)
    expect((await withCookie(cookie, '/api/whoami')).status).toBe(401)
    expect((await team.signIn(token)).status).toBe(403)
  })

  it('is signed out at the end of the grant', async () => {
    await addPerson(['read'], { expires_in: '10m' })
    const team = await openTeam()
    const token = tokenOf(team.claims())
    const cookie = cookieIn(await team.signIn(token))
    turn(10 * MINUTE)
    expect((await withCookie(cookie, '/api/whoami')).status).toBe(401)
    expect((await team.signIn(token)).status).toBe(403)
  })

  it('is signed out when the token ends, and the list of sessions says so', async () => {
    await addPerson()
    const team = await openTeam()
    const token = tokenOf(
      team.claims({ exp: Math.floor((Date.parse(fromNow(HOUR)) as number) / 1000) }),
    )
    const cookie = cookieIn(await team.signIn(token))
    const { items } = await (
      await withCookie(cookie, '/api/sessions')
    ).json<{ items: { created_at: string; expires_at: string }[] }>()
    expect(items[0]?.created_at).toBe(fromNow(0))
    expect(Date.parse(items[0]?.expires_at ?? '')).toBeLessThanOrEqual(Date.parse(fromNow(HOUR)))
    turn(HOUR)
    expect((await withCookie(cookie, '/api/whoami')).status).toBe(401)
  })

  it('cannot be rolled, and is not the last admin key', async () => {
    const id = await addPerson(['admin'])
    expect((await api('POST', `/api/keys/${id}/roll`, {})).status).toBe(409)
    const admin = await newKey(['admin'])
    const team = await openTeam()
    const alone = { ...team.vars, ADMIN_KEYS_ONLY: 'true' }
    const cookie = cookieIn(await team.signIn(tokenOf(team.claims()), alone))
    const del = { method: 'DELETE' }
    const last = await withCookie(cookie, `/api/keys/${admin.id}`, del, alone)
    expect(await said(last)).toMatchObject({ code: 'last_admin_key' })
    expect((await withCookie(cookie, `/api/keys/${id}`, del, alone)).status).toBe(200)
  })

  it('is listed by the address, and gets no scope that the admin lacks', async () => {
    const id = await addPerson(['read'])
    const { body } = await api<{ items: object[] }>('GET', '/api/keys')
    expect(body.items).toMatchObject([{ id, email: 'ada@example.com', name: 'ada@example.com' }])
    const again = { email: 'ADA@example.com', scopes: ['read'] }
    expect((await api('POST', '/api/keys/people', again)).body).toMatchObject({
      detail: `the key ${id} has this name: first revoke that key`,
    })
    const admin = await signIn((await newKey(['admin'])).key)
    const init = { method: 'POST', body: '{"email":"eve@example.com","scopes":["secrets"]}' }
    const headers = { 'content-type': 'application/json' }
    const answer = await withCookie(cookieIn(admin), '/api/keys/people', { ...init, headers })
    expect(await said(answer)).toMatchObject({ code: 'missing_scope' })
  })

  it.each(['ada', 'ada@', '@example.com', 'a b@example.com', 'mar\u212A@example.com', 'a\n@b.c'])(
    'is not added as %j',
    async (email) => {
      expect((await api('POST', '/api/keys/people', { email, scopes: ['read'] })).status).toBe(400)
    },
  )
})

describe('a token of Cloudflare Access', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const now = () => Math.floor(Date.parse(fromNow(0)) / 1000)

  it.each<[string, (team: Team) => string]>([
    [
      'of another team',
      (team) => tokenOf(team.claims({ iss: 'https://evil.cloudflareaccess.com' })),
    ],
    ['for another application', (team) => tokenOf(team.claims({ aud: ['cd'.repeat(32)] }))],
    ['without an audience', (team) => tokenOf(team.claims({ aud: undefined }))],
    ['that has ended', (team) => tokenOf(team.claims({ exp: now() }))],
    ['without an end', (team) => tokenOf(team.claims({ exp: undefined }))],
    ['that is not good yet', (team) => tokenOf(team.claims({ nbf: now() + 61 }))],
    ['of a service, which is no person', (team) => tokenOf(team.claims({ email: undefined }))],
    ['without a signature', (team) => unsignedToken(team.claims())],
    ['that is signed with the public key', (team) => confusedToken(team.claims())],
    [
      'with another algorithm in its head',
      (team) => tokenOf(team.claims(), { head: { alg: 'RS512' } }),
    ],
    [
      'with a head that asks for more',
      (team) => tokenOf(team.claims(), { head: { crit: ['exp'] } }),
    ],
    ['of a stranger’s key', (team) => tokenOf(team.claims(), { key: NEXT_KEY.privateKey })],
    ['of a short key', (team) => tokenOf(team.claims(), { kid: 'short', key: short.privateKey })],
    ['that was changed', (team) => tokenOf(team.claims()).replace(/\.[^.]+\./, `.${btoa('{}')}.`)],
    ['that was cut', (team) => tokenOf(team.claims()).slice(0, -1)],
    ['of 1 MB', (team) => tokenOf(team.claims({ more: 'x'.repeat(1_000_000) }))],
    ['that is no token', () => 'x'],
    ['that is empty', () => ''],
    ['with null for its parts', () => `${btoa('null')}.${btoa('null')}.AA`],
  ])('is refused: one %s', async (_, token) => {
    await addPerson()
    const team = newTeam()
    const keys = [jwk('one', KEY), jwk('two', NEXT_KEY), jwk('short', short), null, { kid: 1 }]
    await team.serve({ keys })
    const response = await team.signIn(token(team))
    expect(response.status).toBe(401)
    expect(response.headers.get('set-cookie')).toBeNull()
    expect((await said(response)).detail).toMatch(/^the token of Cloudflare Access is refused: /)
  })

  it('is good with a single audience as text, and from a clock that is a little ahead', async () => {
    await addPerson()
    const team = await openTeam()
    const token = tokenOf(team.claims({ aud: AUD, nbf: now() + 59 }))
    expect((await team.signIn(token)).status).toBe(201)
  })

  it('opens no session where Access is not set, or sends none', async () => {
    await addPerson()
    const team = await openTeam()
    const unset = await team.signIn(tokenOf(team.claims()), {})
    expect(unset.status).toBe(400)
    const without = await team.signIn()
    expect(without.status).toBe(400)
    expect((await said(without)).detail).toContain('no token of Cloudflare Access came')
    expect(await team.reads()).toBe(0)
  })

  it('leaves the sign-in with a key as it is', async () => {
    const { key } = await newKey(['read'])
    const response = await signIn(key, 'Ben')
    expect(await response.json()).toMatchObject({ who: 'Ben', access: false })
  })
})

describe('the keys of a team', () => {
  it('are read once in an hour, and both keys are good while they change', async () => {
    await addPerson()
    const team = await openTeam()
    expect((await team.signIn(tokenOf(team.claims()))).status).toBe(201)
    const byNext = tokenOf(team.claims(), { kid: 'two', key: NEXT_KEY.privateKey })
    expect((await team.signIn(byNext)).status).toBe(201)
    expect(await team.reads()).toBe(1)
    await team.serve({ keys: [jwk('two', NEXT_KEY)] })
    turn(HOUR)
    expect((await team.signIn(byNext)).status).toBe(201)
    expect((await team.signIn(tokenOf(team.claims()))).status).toBe(401)
    expect(await team.reads()).toBe(2)
  })

  it('are read again for a key that is new, and at most once a minute for those that are not', async () => {
    await addPerson()
    const team = newTeam()
    await team.serve({ keys: [jwk('one', KEY)] })
    expect((await team.signIn(tokenOf(team.claims()))).status).toBe(201)
    await team.serve({ keys: [jwk('one', KEY), jwk('two', NEXT_KEY)] }, { times: 9 })
    const byNext = tokenOf(team.claims(), { kid: 'two', key: NEXT_KEY.privateKey })
    expect((await team.signIn(byNext)).status).toBe(401)
    turn(MINUTE)
    expect((await team.signIn(byNext)).status).toBe(201)
    for (const kid of ['a', 'b', 'c']) {
      expect((await team.signIn(tokenOf(team.claims(), { kid }))).status).toBe(401)
    }
    expect(await team.reads()).toBe(2)
  })

  it.each<[string, string | object, number]>([
    ['an error', { keys: [jwk('one', KEY)] }, 500],
    ['a redirect', { keys: [jwk('one', KEY)] }, 302],
    ['no list', '<html>', 200],
    ['too much', JSON.stringify({ keys: [], more: 'x'.repeat(70_000) }), 200],
  ])(
    'that answer %s let no person in, and the sentence says what to do',
    async (_, body, status) => {
      await addPerson()
      const team = newTeam()
      await team.serve(body, { status })
      const response = await team.signIn(tokenOf(team.claims()))
      expect(response.status).toBe(503)
      expect((await said(response)).detail).toContain('try again, or sign in with an API key')
      await team.serve({ keys: [jwk('one', KEY)] })
      expect((await team.signIn(tokenOf(team.claims()))).status).toBe(201)
    },
  )

  it('are asked for at most ten times in a minute while they do not answer', async () => {
    await addPerson()
    const team = newTeam()
    await team.serve('', { status: 500, times: 99 })
    for (let n = 0; n < 12; n++) {
      expect((await team.signIn(tokenOf(team.claims()))).status).toBe(503)
    }
    expect(await team.reads()).toBe(10)
    turn(MINUTE)
    await resetRules()
    await team.serve({ keys: [jwk('one', KEY)] })
    expect((await team.signIn(tokenOf(team.claims()))).status).toBe(201)
  })
})

it.each([
  { ACCESS_TEAM: 'evil.test/', ACCESS_AUD: AUD },
  { ACCESS_TEAM: 'acme.cloudflareaccess.com', ACCESS_AUD: AUD },
  { ACCESS_TEAM: 'acme@evil.test#', ACCESS_AUD: AUD },
  { ACCESS_TEAM: 'acme', ACCESS_AUD: 'AB' },
  { ACCESS_TEAM: 'acme' },
  { ACCESS_AUD: AUD },
])('settings that do not fit are named: %j', async (vars) => {
  const response = await newTeam().signIn('x', vars)
  expect(response.status).toBe(503)
  expect(await response.text()).toMatch(/ACCESS_(TEAM|AUD): /)
})
