import { beforeEach, describe, expect, it, vi } from 'vitest'
import { SCOPES } from '../../src/keys/scopes.ts'
import { fromNow, turn } from './clock.ts'
import {
  ask,
  bearer,
  CONSOLE,
  cookieOf,
  newKey,
  revokeAll,
  signIn,
  withCookie,
} from './keys-api-tools.ts'
import { api, serve } from './server.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const SESSION = '/console/session'

async function statusWith(cookie: string, path = '/api/whoami'): Promise<number> {
  return (await withCookie(cookie, path)).status
}

/** Uses a session every hour for so many hours, as a person does. */
async function work(cookie: string, hours: number): Promise<void> {
  for (let hour = 0; hour < hours; hour++) {
    turn(HOUR)
    await statusWith(cookie)
  }
}

beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
  // Sessions and copies of earlier tests are over.
  turn(DAY)
  await revokeAll()
})

describe('signing in', () => {
  it('gives a cookie that only this server gets, and no script sees', async () => {
    const { key, id } = await newKey(['read', 'command'])
    const response = await signIn(key, ' Ada ')
    expect(response.status).toBe(201)
    expect(response.headers.get('set-cookie')).toMatch(
      /^__Host-edgemdm=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    )
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toMatchObject({
      key: { id },
      who: 'Ada',
      scopes: ['read', 'command'],
      expires_at: fromNow(12 * HOUR),
    })
  })

  it('is in the audit with the person, and a wrong key is not', async () => {
    const { key, id } = await newKey(['read'])
    await signIn(key, 'Ada')
    await signIn('wrong', 'Mallory')
    const { body } = await api<{ items: object[] }>('GET', '/api/audit?limit=1')
    expect(body.items).toMatchObject([
      { action: 'session.open', via: 'console', actor: { id, who: 'Ada' }, outcome: 'done' },
    ])
  })

  it('is possible over http on the machine of the server alone', async () => {
    const local = await signIn('test-key', 'Ada', CONSOLE, 'http://127.0.0.1:8787')
    expect(local.headers.get('set-cookie')).toMatch(/^edgemdm=[^;]+; .*SameSite=Strict$/)
    expect((await signIn('test-key', 'Ada', CONSOLE, 'http://mdm.test')).status).toBe(400)
  })

  it('answers every key that is not good alike', async () => {
    const expired = await newKey(['read'], { expires_in: '1m' })
    const revoked = await newKey(['read'])
    await api('DELETE', `/api/keys/${revoked.id}`)
    turn(MINUTE)
    const answers = await Promise.all(
      [expired.key, revoked.key, 'wrong', '', `emk_${'0'.repeat(49)}`].map(async (key) => {
        const response = await signIn(key)
        const { request_id: _, ...body } = await response.json<Record<string, unknown>>()
        return JSON.stringify([response.status, response.headers.get('www-authenticate'), body])
      }),
    )
    expect(new Set(answers).size).toBe(1)
    expect(answers[0]).toMatch(/^\[401,null,/)
  })

  it.each<[string, Record<string, string>]>([
    ['without the header of the console', {}],
    ['from a page of another site', { 'x-edgemdm': 'console', 'sec-fetch-site': 'cross-site' }],
    ['from another subdomain', { 'x-edgemdm': 'console', 'sec-fetch-site': 'same-site' }],
    ['with a foreign Origin alone', { 'x-edgemdm': 'console', origin: 'https://evil.test' }],
  ])('is refused %s', async (_, headers) => {
    const response = await signIn('test-key', 'Ada', headers)
    expect(response.status).toBe(403)
    expect(response.headers.get('set-cookie')).toBeNull()
  })

  it.each([
    ['no body', ''],
    ['no JSON', 'key=secret'],
    ['no object', '[]'],
    ['null', 'null'],
    ['no name', '{"key":"secret"}'],
    ['an empty name', '{"key":"secret","who":" "}'],
    ['a name of two lines', '{"key":"secret","who":"a\\nb"}'],
    ['a long name', JSON.stringify({ key: 'test-key', who: 'x'.repeat(101) })],
    ['a key that is no text', '{"key":{"$ne":1},"who":"Ada"}'],
    ['10 MB', JSON.stringify({ key: 'x'.repeat(10_000_000), who: 'Ada' })],
  ])('is refused with %s', async (_, body) => {
    const init = { method: 'POST', headers: { 'x-edgemdm': 'console' }, body }
    const response = await ask(SESSION, init)
    expect(response.status).toBe(400)
    expect(response.headers.get('set-cookie')).toBeNull()
  })
})

describe('a session', () => {
  it('opens the API with the scopes of its key', async () => {
    const { key, id } = await newKey(['read'])
    const response = await withCookie(await cookieOf(key), '/api/whoami')
    expect(await response.json()).toMatchObject({
      id,
      scopes: ['read'],
      who: 'Ada',
      bootstrap: false,
    })
  })

  it('of the bootstrap key has all scopes', async () => {
    const response = await withCookie(await cookieOf('test-key'), SESSION)
    expect(await response.json()).toMatchObject({ key: { name: 'bootstrap' }, scopes: SCOPES })
  })

  it('does not become a key: it rolls its own key only with admin', async () => {
    const { key, id } = await newKey(['read'])
    const init = {
      method: 'POST',
      body: '{}',
      headers: { ...CONSOLE, cookie: await cookieOf(key) },
    }
    expect((await ask(`/api/keys/${id}/roll`, init)).status).toBe(403)
  })

  it('changes nothing without the header of the console', async () => {
    const cookie = await cookieOf('test-key')
    const init = { method: 'POST', headers: { cookie }, body: '{}' }
    expect((await ask('/api/keys', init)).status).toBe(401)
    expect((await ask('/api/keys', { headers: { cookie } })).status).toBe(200)
  })

  it('is no key of the other faces', async () => {
    const cookie = await cookieOf('test-key')
    for (const path of [
      '/v1/devices',
      '/push/UDID',
      '/v1/enqueue/UDID',
      '/v1/declarations',
      '/api/v1/ddm/declarations',
      '/tokens',
    ]) {
      expect(await statusWith(cookie, path), path).toBe(401)
    }
  })

  it('is not read from the plain cookie over https, which a neighbour may have set', async () => {
    const cookie = (await cookieOf('test-key')).replace('__Host-', '')
    expect(await statusWith(cookie)).toBe(401)
  })

  it('is found among other cookies', async () => {
    const cookie = await cookieOf('test-key')
    expect(await statusWith(`theme=dark; ${cookie}; a=b`)).toBe(200)
    expect(await statusWith(`x${cookie}`)).toBe(401)
    expect(await statusWith(`${cookie}x`)).toBe(401)
  })

  it('ends after 12 hours, however much it is used', async () => {
    const cookie = await cookieOf('test-key')
    await work(cookie, 11)
    expect(await statusWith(cookie)).toBe(200)
    await work(cookie, 1)
    expect(await statusWith(cookie)).toBe(401)
  })

  it('ends after 2 hours without use', async () => {
    const cookie = await cookieOf('test-key')
    await work(cookie, 3)
    turn(2 * HOUR - 10 * MINUTE - 1)
    expect(await statusWith(cookie)).toBe(200)
    turn(2 * HOUR)
    expect(await statusWith(cookie)).toBe(401)
  })

  it('ends with its key', async () => {
    const revoked = await newKey(['read'])
    const expiring = await newKey(['read'], { expires_in: '5m' })
    const [one, other] = [await cookieOf(revoked.key), await cookieOf(expiring.key)]
    await api('DELETE', `/api/keys/${revoked.id}`)
    expect([await statusWith(one), await statusWith(other)]).toEqual([401, 200])
    turn(5 * MINUTE)
    expect(await statusWith(other)).toBe(401)
  })

  it('ends with the secret of its sign-in', async () => {
    const { id, key } = await newKey(['read'])
    const before = await cookieOf(key)
    const { body } = await api<{ key: string }>('POST', `/api/keys/${id}/roll`, { overlap: '1h' })
    const [late, after] = [await cookieOf(key), await cookieOf(body.key)]
    const all = () => Promise.all([before, late, after].map((cookie) => statusWith(cookie)))
    expect(await all()).toEqual([200, 200, 200])
    turn(HOUR)
    expect(await all()).toEqual([401, 401, 200])
  })

  it('of another API_KEY is over', async () => {
    const cookie = await cookieOf('test-key')
    for (const vars of [{ API_KEY: 'another secret' }, { ADMIN_KEYS_ONLY: 'true' }]) {
      expect((await withCookie(cookie, '/api/whoami', {}, vars)).status).toBe(401)
    }
    const beside = { API_KEY: 'another secret', API_KEY_PREVIOUS: 'test-key' }
    expect((await withCookie(cookie, '/api/whoami', {}, beside)).status).toBe(200)
    expect(await statusWith(cookie)).toBe(200)
  })

  it('is one of twenty of its key: a further one ends the one that was unused for longest', async () => {
    const { key } = await newKey(['read'])
    const cookies: string[] = []
    for (let n = 0; n < 20; n++) {
      turn(1)
      cookies.push(await cookieOf(key))
    }
    const [first = '', second = '', third = ''] = cookies
    turn(1)
    expect(await statusWith(first)).toBe(200)
    await cookieOf(key)
    const three = [first, second, third].map((cookie) => statusWith(cookie))
    expect(await Promise.all(three)).toEqual([200, 401, 200])
  })
})

describe('signing out', () => {
  const signOut = (cookie: string, more = '') =>
    withCookie(cookie, `${SESSION}${more}`, { method: 'DELETE' })

  it('ends this session alone, and takes the cookie away', async () => {
    const [one, other] = [await cookieOf('test-key'), await cookieOf('test-key')]
    const response = await signOut(one)
    expect(response.status).toBe(204)
    expect(response.headers.get('set-cookie')).toMatch(/^__Host-edgemdm=; Max-Age=0; .*Secure$/)
    expect([await statusWith(one), await statusWith(other)]).toEqual([401, 200])
  })

  it('everywhere ends all sessions of the key, and no other', async () => {
    const { key } = await newKey(['read'])
    const [one, other, bootstrap] = [
      await cookieOf(key),
      await cookieOf(key, 'Grace'),
      await cookieOf('test-key'),
    ]
    await signOut(one, '?everywhere=true')
    expect(await Promise.all([one, other, bootstrap].map((cookie) => statusWith(cookie)))).toEqual([
      401, 401, 200,
    ])
  })

  it('with an API key in place of a session says what is missing', async () => {
    const init = { method: 'DELETE', ...bearer('test-key') }
    expect(await (await ask(SESSION, init)).json()).toMatchObject({ code: 'session_not_found' })
  })
})

it('no device route reads or sets the cookie', async () => {
  const cookie = await cookieOf('test-key')
  for (const path of ['/mdm/checkin', '/mdm/connect', '/scep?operation=GetCACaps', '/']) {
    const [without, withIt] = await Promise.all([
      serve(path),
      serve(path, { headers: { cookie, 'x-edgemdm': 'console' } }),
    ])
    expect(withIt.status, path).toBe(without.status)
    expect(withIt.headers.get('set-cookie'), path).toBeNull()
  }
})
