import { beforeEach, expect, it, vi } from 'vitest'
import { turn } from './clock.ts'
import { ask, bearer, cookieOf, newKey, revokeAll, withCookie } from './keys-api-tools.ts'
import { api } from './server.ts'

interface Session {
  id: string
  who: string
  key: { id: string; name: string }
  current: boolean
}

const DAY = 86_400_000

async function sessionsOf(init: Promise<Response>): Promise<Session[]> {
  return ((await (await init).json()) as { items: Session[] }).items
}

beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
  // Sessions of earlier tests are over.
  turn(DAY)
  await revokeAll()
})

it('a person sees the sessions of the own key, an admin those of all keys', async () => {
  const helpdesk = await newKey(['read'])
  const other = await newKey(['read'])
  const ben = await cookieOf(helpdesk.key, 'Ben')
  await cookieOf(helpdesk.key, 'Eve')
  await cookieOf(other.key, 'Cleo')
  const own = await sessionsOf(withCookie(ben, '/api/sessions'))
  expect(own.map(({ who, current, key }) => `${who} ${current} ${key.name}`).toSorted()).toEqual([
    `Ben true ${helpdesk.name}`,
    `Eve false ${helpdesk.name}`,
  ])
  const all = await sessionsOf(ask('/api/sessions', bearer('test-key')))
  expect(all.map(({ who }) => who).toSorted()).toEqual(['Ben', 'Cleo', 'Eve'])
})

it('no id of a session opens anything, and none is a part of the cookie', async () => {
  const cookie = await cookieOf('test-key')
  const [session] = await sessionsOf(withCookie(cookie, '/api/sessions'))
  const [name, value = ''] = cookie.split('=')
  expect(value).not.toContain(session?.id)
  expect((await withCookie(`${name}=${session?.id}`, '/api/whoami')).status).toBe(401)
})

it('a person ends another session of the own key, and none of another key', async () => {
  const helpdesk = await newKey(['read'])
  const other = await newKey(['read'])
  const ben = await cookieOf(helpdesk.key, 'Ben')
  const eve = await cookieOf(helpdesk.key, 'Eve')
  const cleo = await cookieOf(other.key, 'Cleo')
  const all = await sessionsOf(ask('/api/sessions', bearer('test-key')))
  const idOf = (who: string) => all.find((one) => one.who === who)?.id
  const end = (id: string | undefined) =>
    withCookie(ben, `/api/sessions/${id}`, { method: 'DELETE' })
  expect((await end(idOf('Cleo'))).status).toBe(404)
  expect((await end(idOf('Eve'))).status).toBe(204)
  expect((await end(idOf('Eve'))).status).toBe(404)
  const statuses = [ben, eve, cleo].map(
    async (one) => (await withCookie(one, '/api/whoami')).status,
  )
  expect(await Promise.all(statuses)).toEqual([200, 401, 200])
})

it('the end of a session is in the audit', async () => {
  await cookieOf('test-key', 'Ada')
  const [session] = await sessionsOf(ask('/api/sessions', bearer('test-key')))
  await api('DELETE', `/api/sessions/${session?.id}`)
  const { body } = await api<{ items: object[] }>('GET', '/api/audit?limit=1')
  expect(body.items).toMatchObject([
    { action: 'session.close', target: { type: 'session', id: session?.id }, outcome: 'done' },
  ])
})

it('sessions of a key that has ended are not listed', async () => {
  const { key, id } = await newKey(['read'], { expires_in: '1h' })
  await cookieOf(key, 'Ben')
  turn(3_600_000)
  const all = await sessionsOf(ask('/api/sessions', bearer('test-key')))
  expect(all.filter((session) => session.key.id === id)).toEqual([])
})

it('an auditor with a key that only reads sees the audit', async () => {
  const { key } = await newKey(['read'])
  expect((await ask('/api/audit', bearer(key))).status).toBe(200)
  const metrics = await newKey(['metrics'])
  expect((await ask('/api/audit', bearer(metrics.key))).status).toBe(403)
})
