/** The page that claims a server, and the calls of its script, against a server that is new. */
import { beforeEach, expect, it, vi } from 'vitest'
import {
  askSetupKeys,
  type ClaimEffects,
  confirmSetup,
  giveAuthority,
  readEnrolmentLink,
  readSetupState,
} from '../../src/claim-page/calls.ts'
import { claimedServer, CODE, newServer, newRing, type isolateOf } from './claim-tools.ts'
import { env } from './server.ts'

type Isolate = ReturnType<typeof isolateOf>

/** What the page's browser sends and gets. */
function browserAt({ ask }: Isolate): ClaimEffects {
  return {
    subtle: crypto.subtle,
    sleep: async () => undefined,
    fetch: (path, init) => {
      const headers = new Headers(init.headers)
      headers.set('sec-fetch-site', 'same-origin')
      if (init.method === 'POST') {
        headers.set('origin', 'https://mdm.test')
      }
      return ask(path, { method: init.method ?? 'GET', headers, body: init.body ?? null })
    },
  }
}

beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  // Of servers of other tests, which have other seal keys.
  await env.DB.prepare('DELETE FROM authorities').run()
})

it('a new server shows the page, which no cache keeps and no other site can frame', async () => {
  const page = await newServer().isolate({ SETUP_CODE: '' }).ask('/setup')
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(page.headers.get('cache-control')).toBe('no-store')
  expect(page.headers.get('referrer-policy')).toBe('no-referrer')
  expect(page.headers.get('set-cookie')).toBeNull()
  const policy = page.headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'; script-src 'sha256-")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toContain('unsafe')
  expect(await page.text()).toContain('Setup code')
})

it('a claimed server has no such page: its answer says that the owner has the keys', async () => {
  const { isolate } = await claimedServer()
  const page = await isolate().ask('/setup')
  expect(page.status).toBe(404)
  expect(await page.json()).toEqual({ error: 'this server is claimed: its owner has the keys' })
})

it('a server that has lost a secret names it, and shows no page', async () => {
  const server = newServer()
  const secrets = { API_KEY: 'a key of the tests', SEAL_KEYS: newRing() }
  await server.isolate(secrets).ask('/version')
  const page = await server.isolate({ ...secrets, API_KEY: '' }).ask('/setup')
  expect(page.status).toBe(503)
  const text = await page.text()
  expect(text).toContain('API_KEY is not set')
  expect(text).not.toContain('<html')
})

it('the calls of the page claim a server, and give it a CA and an enrolment link', async () => {
  const server = newServer()
  const browser = browserAt(server.isolate({ ENROLLMENT: 'token' }))
  expect(await readSetupState(browser)).toEqual({
    ok: true,
    value: { claimed: false, code: 'set' },
  })
  expect(await askSetupKeys(browser, 'a wrong code of 20 characters')).toMatchObject({
    ok: false,
    fault: { code: 'wrong_setup_code' },
  })
  const shown = await askSetupKeys(browser, CODE)
  // A reload of the page, at another part of the server.
  expect(await askSetupKeys(browserAt(server.isolate()), CODE)).toEqual(shown)
  if (!shown.ok) {
    throw new Error(shown.fault.detail)
  }
  const { api_key: key, url } = shown.value
  expect(url).toBe('https://mdm.test')
  expect(await confirmSetup(browser, CODE, key)).toMatchObject({ ok: true })
  // The answer was lost, and the button was pressed again.
  expect(await confirmSetup(browser, CODE, key)).toMatchObject({ ok: true })
  expect(await giveAuthority(browser, key)).toMatchObject({ ok: true, value: { issues: true } })
  expect(await readEnrolmentLink(browser, key)).toMatch(/^https:\/\/mdm\.test\/\?token=\w+$/)

  const another = await confirmSetup(browser, CODE, 'emk_another')
  expect(another).toMatchObject({ ok: false, fault: { code: 'already_claimed' } })
})

it('a move of the seal keys to secrets keeps links and CA, and Control forgets them last', async () => {
  const server = newServer()
  const page = server.isolate({ ENROLLMENT: 'token' })
  const { api_key: key, seal_keys: ring } = await page.shown()
  await page.confirm()
  await giveAuthority(browserAt(page), key)
  const call = (at: Isolate, method: string, path: string) =>
    at.ask(path, { method, headers: { authorization: `Bearer ${key}` } })
  const placesOf = async (at: Isolate) => {
    const { items } = await (
      await call(at, 'GET', '/api/seal-keys')
    ).json<{ items: { place: string; in_control: boolean }[] }>()
    return items.map(({ place, in_control: isHeld }) => [place, isHeld])
  }
  const link = await readEnrolmentLink(browserAt(page), key)
  expect(await placesOf(page)).toEqual([['control', true]])
  expect((await call(page, 'DELETE', '/api/seal-keys/control')).status).toBe(409)

  const secrets = { API_KEY: 'a key of the tests', SEAL_KEYS: ring }
  const moved = server.isolate({ ENROLLMENT: 'token', ...secrets })
  expect(await placesOf(moved)).toEqual([['secret', true]])
  expect((await call(moved, 'DELETE', '/api/seal-keys/control')).status).toBe(204)
  const after = server.isolate({ ENROLLMENT: 'token', ...secrets })
  expect(await placesOf(after)).toEqual([['secret', false]])
  expect(await readEnrolmentLink(browserAt(after), key)).toBe(link)
  const caps = await after.ask('/scep?operation=GetCACert')
  expect(caps.status).toBe(200)
  // Without the secret, the keys are nowhere, and the server says so.
  const bare = await call(server.isolate(), 'GET', '/api/seal-keys')
  expect([bare.status, await bare.text()]).toEqual([
    503,
    expect.stringContaining('SEAL_KEYS is not set'),
  ])
})
