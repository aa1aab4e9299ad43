import { runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { makeKey } from '../../src/keys/key.ts'
import { SCOPES } from '../../src/keys/scopes.ts'
import { randomBytes } from 'node:crypto'
import { fromNow, turn } from './clock.ts'
import {
  ask,
  bearer,
  controlBehind,
  newKey,
  revokeAll,
  statusOf,
  type ShownKey,
} from './keys-api-tools.ts'
import { api, env } from './server.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const control = () => env.CONTROL.getByName('control')

/** Removes a key as another part of the server does, so that this one's copy is old. */
const removeElsewhere = (id: string) => control().removeKey({ id, keepAdmin: false })

/** Makes a key as another part of the server does. */
async function makeElsewhere(): Promise<string> {
  const { id, text, secretHash } = makeKey(randomBytes)
  const name = crypto.randomUUID()
  await control().createKey({ id, secretHash, name, scopes: ['read'], expiresAt: 0, by: 'test' })
  return text
}

async function post(key: string, path: string, body: object = {}) {
  const init = { method: 'POST', ...bearer(key), body: JSON.stringify(body) }
  const response = await ask(path, init)
  return { status: response.status, body: await response.json<Record<string, unknown>>() }
}

beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  // Copies and pauses of earlier tests are over.
  turn(DAY)
  await revokeAll()
})

describe('a new key', () => {
  it('is shown once, and good at once, as a token and as a password', async () => {
    const { key, id } = await newKey(['read'])
    expect(await statusOf(key)).toBe(200)
    const basic = { headers: { authorization: `Basic ${btoa(`micromdm:${key}`)}` } }
    expect((await ask('/api/whoami', basic)).status).toBe(200)
    const listed = JSON.stringify([
      (await api('GET', '/api/keys')).body,
      (await api('GET', `/api/keys/${id}`)).body,
    ])
    expect(listed).toContain(id)
    expect(listed).not.toContain(key.slice(15, 47))
    expect(listed).not.toMatch(/hash|[\da-f]{64}/)
  })

  it('is good at once where the copy of all keys is from before it', async () => {
    await statusOf((await newKey(['read'])).key)
    expect(await statusOf(await makeElsewhere())).toBe(200)
  })

  it('ends after a year if no lifetime is named', async () => {
    const { key, expires_at, warning } = await newKey(['read'])
    expect(expires_at).toBe(fromNow(365 * DAY))
    expect(warning).toBeNull()
    turn(365 * DAY - 1)
    expect(await statusOf(key)).toBe(200)
    turn(1)
    expect(await statusOf(key)).toBe(401)
    const { body } = await api<{ items: ShownKey[] }>('GET', '/api/keys')
    expect(body.items).toMatchObject([{ state: 'expired' }])
  })

  it('never ends if that is said, and the answer says it aloud', async () => {
    const { expires_at, warning } = await newKey(['read'], { expires_in: 'never' })
    expect(expires_at).toBeNull()
    expect(warning).toContain('never expires')
  })

  it('has no scope that its maker lacks', async () => {
    const { key } = await newKey(['admin', 'read'])
    const given = await post(key, '/api/keys', { name: 'more', scopes: ['read', 'secrets'] })
    expect(given).toMatchObject({ status: 403, body: { code: 'missing_scope' } })
    expect(given.body['detail']).toContain('lacks secrets')
    expect(await post(key, '/api/keys', { name: 'same', scopes: ['read'] })).toMatchObject({
      status: 201,
    })
  })

  it('has a name that no other key has', async () => {
    const { id } = await newKey(['read'], { name: 'ci' })
    const twin = await api('POST', '/api/keys', { name: ' ci ', scopes: ['read'] })
    expect(twin).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(twin.body['detail']).toContain(id)
  })

  it('is refused when there are 200', async () => {
    const all = Array.from({ length: 200 }, () => makeElsewhere())
    await Promise.all(all)
    const one = await api('POST', '/api/keys', { name: 'one more', scopes: ['read'] })
    expect(one).toMatchObject({ status: 409, body: { code: 'limit_reached' } })
  })

  it.each([
    ['no scope', { scopes: [] }],
    ['an unknown scope', { scopes: ['root'] }],
    ['an empty name', { name: '  ' }],
    ['a long name', { name: 'x'.repeat(101) }],
    ['a name with a line break', { name: 'a\nb' }],
    ['a name that turns the text around', { name: 'a\u202eb' }],
    ['the name of API_KEY', { name: 'Bootstrap' }],
    ['a life of no time', { expires_in: '0d' }],
    ['a life of eleven years', { expires_in: '4000d' }],
    ['a life without a unit', { expires_in: '365' }],
    ['a word of no use here', { role: 'owner' }],
  ])('is refused with %s', async (_, wrong) => {
    const body = { name: 'ci', scopes: ['read'], ...wrong }
    expect(await api('POST', '/api/keys', body)).toMatchObject({ status: 400 })
  })
})

describe('a roll', () => {
  it('leaves both secrets good for the overlap', async () => {
    const { id, key } = await newKey(['read'])
    const rolled = await api<ShownKey>('POST', `/api/keys/${id}/roll`, { overlap: '1h' })
    expect(rolled.body).toMatchObject({ id, old_secret_until: fromNow(60 * MINUTE) })
    expect([await statusOf(key), await statusOf(rolled.body.key)]).toEqual([200, 200])
    turn(60 * MINUTE)
    expect([await statusOf(key), await statusOf(rolled.body.key)]).toEqual([401, 200])
  })

  it('ends a leaked secret at once', async () => {
    const { id, key } = await newKey(['read'])
    await api('POST', `/api/keys/${id}/roll`, { overlap: '0s' })
    expect(await statusOf(key)).toBe(401)
  })

  it('is free for the key itself, without a later end', async () => {
    const { id, key, expires_at } = await newKey(['read'])
    const rolled = await post(key, `/api/keys/${id}/roll`)
    expect(rolled).toMatchObject({ status: 200, body: { current: true, expires_at } })
    const fresh = String(rolled.body['key'])
    const later = await post(fresh, `/api/keys/${id}/roll`, { expires_in: '3650d' })
    expect(later).toMatchObject({ status: 403, body: { code: 'missing_scope' } })
  })

  it('by the key itself brings no later end, also with admin', async () => {
    const { id, key } = await newKey(['admin'], { expires_in: '30d' })
    const path = `/api/keys/${id}/roll`
    for (const later of ['31d', 'never']) {
      const refused = await post(key, path, { expires_in: later })
      expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } })
    }
    expect(await post(key, path, { expires_in: '29d' })).toMatchObject({
      status: 200,
      body: { expires_at: fromNow(29 * 1440 * MINUTE) },
    })
    expect(await api('POST', path, { expires_in: 'never' })).toMatchObject({ status: 200 })
  })

  it('by an earlier secret, which may have leaked, is for admin', async () => {
    const { id, key } = await newKey(['read'])
    const path = `/api/keys/${id}/roll`
    const { body } = await api<ShownKey>('POST', path, { overlap: '1d' })
    expect(await post(key, path)).toMatchObject({ status: 403, body: { code: 'missing_scope' } })
    expect([await statusOf(key), await statusOf(body.key)]).toEqual([200, 200])
    expect((await post(body.key, path)).status).toBe(200)
  })

  it('of another key is for admin, and gives no scopes that the caller lacks', async () => {
    const other = await newKey(['secrets', 'read'])
    const path = `/api/keys/${other.id}/roll`
    const plain = await post((await newKey(['read'])).key, path)
    expect(plain).toMatchObject({ status: 403, body: { code: 'missing_scope' } })
    const admin = await post((await newKey(['admin', 'read'])).key, path)
    expect(admin).toMatchObject({ status: 403, body: { code: 'missing_scope' } })
    expect(admin.body['detail']).toContain('lacks secrets')
    const strong = await post((await newKey(['admin', 'read', 'secrets'])).key, path)
    expect(strong.status).toBe(200)
    expect(await statusOf(other.key)).toBe(200)
  })

  it('of an expired key needs a new lifetime, and does not revive its secret', async () => {
    const { id, key } = await newKey(['read'], { expires_in: '1m' })
    turn(MINUTE)
    const path = `/api/keys/${id}/roll`
    expect(await api('POST', path, {})).toMatchObject({ status: 409, body: { code: 'conflict' } })
    const rolled = await api<ShownKey>('POST', path, { expires_in: '1d' })
    expect([await statusOf(key), await statusOf(rolled.body.key)]).toEqual([401, 200])
  })

  it('takes an overlap of at most seven days', async () => {
    const { id } = await newKey(['read'])
    const path = `/api/keys/${id}/roll`
    expect(await api('POST', path, { overlap: '7d' })).toMatchObject({ status: 200 })
    expect(await api('POST', path, { overlap: '8d' })).toMatchObject({ status: 400 })
    expect(await api('POST', path, { overlap: '-1d' })).toMatchObject({ status: 400 })
  })
})

describe('a revoked key', () => {
  it('ends at once where it was revoked', async () => {
    const { id, key } = await newKey(['read'])
    const revoked = await api('DELETE', `/api/keys/${id}`)
    expect(revoked.body).toMatchObject({ id, ends_everywhere_at: fromNow(30_000) })
    expect(await statusOf(key)).toBe(401)
  })

  it('ends within 30 seconds elsewhere', async () => {
    const { id, key } = await newKey(['read'])
    expect(await statusOf(key)).toBe(200)
    await removeElsewhere(id)
    turn(29_999)
    expect(await statusOf(key)).toBe(200)
    turn(1)
    expect(await statusOf(key)).toBe(401)
  })

  it('makes and rolls no key, also where the copy of all keys is old', async () => {
    const { id, key } = await newKey([...SCOPES])
    expect(await statusOf(key)).toBe(200)
    await removeElsewhere(id)
    expect((await post(key, '/api/keys', { name: 'heir', scopes: ['admin'] })).status).toBe(401)
    expect((await post(key, `/api/keys/${id}/roll`)).status).toBe(401)
  })

  it('cannot roll itself with a secret that was rolled away elsewhere', async () => {
    const { id, key } = await newKey(['read'])
    expect(await statusOf(key)).toBe(200)
    const { secretHash } = makeKey(randomBytes)
    const roll = { by: 'test', id, secretHash, overlap: 0, expiresAt: undefined, scopes: undefined }
    expect(await control().rollKey(roll)).toMatchObject({ kind: 'rolled' })
    expect((await post(key, `/api/keys/${id}/roll`)).status).toBe(401)
  })

  it('is unknown to a later call', async () => {
    const { id } = await newKey(['read'])
    await api('DELETE', `/api/keys/${id}`)
    for (const [method, path] of [
      ['GET', `/api/keys/${id}`],
      ['DELETE', `/api/keys/${id}`],
      ['POST', `/api/keys/${id}/roll`],
      ['DELETE', '/api/keys/bootstrap'],
    ] as const) {
      expect(await api(method, path), path).toMatchObject({
        status: 404,
        body: { code: 'key_not_found' },
      })
    }
  })
})

describe('while no bootstrap key is accepted', () => {
  const only = { ADMIN_KEYS_ONLY: 'true' }

  it('the last good key with admin stays', async () => {
    const admin = await newKey(['admin', 'read'])
    await newKey(['admin'], { expires_in: '1m' })
    const reader = await newKey(['read'])
    turn(MINUTE)
    const remove = async (id: string) => {
      const init = { method: 'DELETE', ...bearer(admin.key) }
      const response = await ask(`/api/keys/${id}`, init, only)
      return [response.status, (await response.json<{ code?: string }>()).code]
    }
    expect(await remove(admin.id)).toEqual([409, 'last_admin_key'])
    expect(await remove(reader.id)).toEqual([200, undefined])
    await newKey(['admin'])
    expect(await remove(admin.id)).toEqual([200, undefined])
  })

  it('API_KEY opens nothing', async () => {
    expect(await statusOf('test-key', only)).toBe(401)
  })
})

describe('the use of a key', () => {
  it('is a warning once a day for the API_KEY before', async () => {
    const vars = { API_KEY: 'another secret', API_KEY_PREVIOUS: 'test-key' }
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    const lines = () =>
      warned.mock.calls.filter(([line]) => String(line).includes('auth:previous-key')).length
    await ask('/api/whoami', bearer('another secret'), vars)
    expect(lines()).toBe(0)
    await ask('/api/whoami', bearer('test-key'), vars)
    await ask('/api/whoami', bearer('test-key'), vars)
    expect(lines()).toBe(1)
    turn(DAY)
    await ask('/api/whoami', bearer('test-key'), vars)
    expect(lines()).toBe(2)
    warned.mockRestore()
  })

  it('is one write a day, with network and program', async () => {
    const { id, key } = await newKey(['read'])
    const notes: string[] = []
    const watched = controlBehind((method) => notes.push(method))
    const from = (agent: string) => ({
      headers: {
        ...bearer(key).headers,
        'cf-connecting-ip': '203.0.113.7',
        'user-agent': agent,
      },
    })
    await ask('/api/whoami', from('curl/8'), watched)
    await ask('/api/whoami', from('wget'), watched)
    const used = async () => (await api('GET', `/api/keys/${id}`)).body['last_used']
    const day = fromNow(0).slice(0, 10)
    expect(await used()).toEqual({ day, network: '203.0.113.0/24', user_agent: 'curl/8' })
    expect(notes.filter((method) => method === 'noteKeyUse')).toHaveLength(1)
    turn(DAY)
    await ask('/api/whoami', from('wget'), watched)
    expect(await used()).toMatchObject({ day: fromNow(0).slice(0, 10), user_agent: 'wget' })
  })
})

it('the audit has who made which key, and not the key', async () => {
  const { id, key, name } = await newKey(['read'])
  const { body } = await api<{ items: object[] }>('GET', '/api/audit?action=key.create')
  expect(body.items[0]).toMatchObject({
    actor: { name: 'bootstrap' },
    target: { type: 'key', id },
    detail: { name, scopes: ['read'] },
  })
  expect(JSON.stringify(body)).not.toContain(key.slice(15, 47))
})

it('a caller learns who it is', async () => {
  const { id, key, name, expires_at } = await newKey(['read', 'metrics'])
  const own = await (await ask('/api/whoami', bearer(key))).json()
  expect(own).toEqual({
    id,
    name,
    bootstrap: false,
    scopes: ['read', 'metrics'],
    expires_at,
    who: null,
  })
  const { body } = await api('GET', '/api/whoami')
  expect(body).toMatchObject({ name: 'bootstrap', bootstrap: true, scopes: SCOPES })
})

it('the storage holds hashes, and no secret', async () => {
  const { key } = await newKey(['read'])
  const stored = await runInDurableObject(
    control() as unknown as DurableObjectStub,
    (_, { storage }) => JSON.stringify(storage.sql.exec('SELECT * FROM keys').toArray()),
  )
  expect(stored).not.toContain(key.slice(15, 47))
})
