/** How a new server gets its owner (docs/claim.md), and what strangers try meanwhile. */
import { runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createHash } from 'node:crypto'
import { claimedServer, CODE, codeOf, isolateOf, newRing, newServer, SETUP } from './claim-tools.ts'
import { turn, turnTimers } from './clock.ts'
import { until } from './server.ts'

const MINUTE = 60_000
const DEVICE_ROUTES = [
  ['PUT', '/mdm/connect'],
  ['PUT', '/mdm/checkin'],
  ['PUT', '/mdm'],
  ['PUT', '/checkin'],
  ['GET', '/scep?operation=GetCACaps'],
  ['POST', '/scep?operation=PKIOperation'],
  ['GET', '/mdm/enroll'],
  ['POST', '/mdm/enroll'],
  ['POST', '/ota/phase23'],
  ['GET', '/ddm/files/00'],
  ['GET', '/'],
] as const
const ADMIN_ROUTES = [
  ['GET', '/v1/commands/A'],
  ['POST', '/v1/devices'],
  ['PUT', '/migration'],
  ['GET', '/v1/declarations'],
  ['GET', '/metrics'],
  ['POST', '/push/A'],
] as const

const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
beforeEach(() => {
  warned.mockClear()
  // The minute of earlier wrong codes is over.
  turn(MINUTE)
})

function logged(): string[] {
  return warned.mock.calls.map(([line]) => (JSON.parse(String(line)) as { event: string }).event)
}

describe('an unclaimed server', () => {
  it.each(DEVICE_ROUTES)('answers a device 503 on %s %s', async (method, path) => {
    const { ask } = newServer().isolate()
    expect((await ask(path, { method })).status).toBe(503)
  })

  it.each(ADMIN_ROUTES)('says on %s %s where to claim it', async (method, path) => {
    const { ask } = newServer().isolate()
    const answer = await ask(path, { method })
    expect(answer.status).toBe(503)
    expect(await answer.text()).toContain('not claimed: open https://mdm.test/setup')
  })

  it('says so by a code of its own', async () => {
    const { ask } = newServer().isolate({ PUBLIC_URL: 'https://mdm.example.com' })
    const answer = await ask('/api/devices')
    expect(await answer.json()).toMatchObject({
      status: 503,
      code: 'not_claimed',
      detail: 'not claimed: open https://mdm.example.com/setup',
    })
  })

  it('is alive, not ready, and tells programs what it lacks', async () => {
    const { ask, state } = newServer().isolate()
    expect((await ask('/healthz')).status).toBe(200)
    const ready = await ask('/readyz')
    expect([ready.status, await ready.json()]).toEqual([503, { ready: false, claimed: false }])
    expect(await state()).toEqual({ claimed: false, code: 'set' })
    expect(await newServer().isolate({ SETUP_CODE: '' }).state()).toMatchObject({ code: 'missing' })
    expect(await newServer().isolate({ SETUP_CODE: 'x' }).state()).toMatchObject({ code: 'weak' })
  })

  it('shows the page, which no other page may frame, until it is claimed', async () => {
    const server = newServer()
    const page = await server.isolate().ask('/setup')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(page.headers.get('set-cookie')).toBeNull()
    expect(await page.text()).not.toContain(CODE)
    await server.isolate().shown()
    expect((await server.isolate().ask('/setup')).status).toBe(200)
    await server.isolate().confirm()
    expect((await server.isolate().ask('/setup')).status).toBe(404)
  })

  it('names a setting that it cannot read, and is still claimed by its code', async () => {
    const { claim, ask } = newServer().isolate({ MAX_QUEUE: 'many' })
    expect((await ask('/api/devices')).status).toBe(503)
    expect((await claim()).status).toBe(200)
  })
})

describe('the right code', () => {
  it('shows the same keys, in each isolate, until they are confirmed', async () => {
    const server = newServer()
    const shown = await server.isolate().shown()
    expect(shown).toEqual({
      api_key: expect.stringMatching(/^emk_\w{49}$/),
      seal_keys: expect.stringMatching(/^k1:[A-Za-z0-9+/]{43}=$/),
      url: 'https://mdm.test',
    })
    expect(await server.isolate().shown()).toEqual(shown)
    expect((await server.isolate().confirm()).status).toBe(200)
    expect(await codeOf(await server.isolate().claim())).toEqual([409, 'already_claimed'])
  })

  it('shows keys that neither another server nor another code has', async () => {
    const server = newServer()
    const [one, other] = [await server.isolate().shown(), await newServer().isolate().shown()]
    const changed = 'another code of the same owner: 92'
    const third = await server.isolate({ SETUP_CODE: changed }).claim(changed)
    const all = [one, other, await third.json<typeof one>()]
    expect(new Set(all.map(({ api_key }) => api_key)).size).toBe(3)
    expect(new Set(all.map(({ seal_keys }) => seal_keys)).size).toBe(3)
  })

  it('claims the server once: of two pages, one is told that it came too late', async () => {
    const server = newServer()
    await server.isolate().shown()
    const answers = await Promise.all([server.isolate().confirm(), server.isolate().confirm()])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409])
  })

  it('claims nothing before it has shown the keys', async () => {
    const server = newServer()
    expect(await codeOf(await server.isolate().confirm())).toEqual([409, 'conflict'])
    expect(await server.isolate().state()).toMatchObject({ claimed: false })
  })

  it('gives a key with all scopes, good at once and in each isolate, and the audit has it', async () => {
    const server = newServer()
    const page = server.isolate()
    const { api_key: key } = await page.shown()
    expect(await page.statusOf(key)).toBe(503)
    await page.confirm()
    expect(await page.statusOf(key)).toBe(200)
    const { ask, statusOf, state } = server.isolate()
    expect(await statusOf(key)).toBe(200)
    expect(await state()).toMatchObject({ claimed: true })
    const headers = { authorization: `Bearer ${key}` }
    const read = async (path: string) =>
      (await (await ask(path, { headers })).json<{ items: object[] }>()).items
    expect(await read('/api/keys')).toEqual([
      expect.objectContaining({ name: 'setup', expires_at: null, created_by: 'setup' }),
    ])
    const [row] = await read('/api/audit?action=server')
    const actor = { name: 'setup', id: key.slice(4, 14) }
    expect(row).toMatchObject({ action: 'server.claim', outcome: 'done', actor })
    expect(logged()).toEqual(expect.arrayContaining(['claim:shown', 'claim:confirmed']))
  })

  it('is known to an isolate that has seen the server unclaimed within five seconds', async () => {
    const server = newServer()
    const earlier = server.isolate()
    await earlier.ask('/readyz')
    const page = server.isolate()
    const { api_key: key } = await page.shown()
    await page.confirm()
    expect(await earlier.statusOf(key)).toBe(503)
    turn(5000)
    expect(await earlier.statusOf(key)).toBe(200)
  })
})

describe('a stranger', () => {
  it('that comes first gets nothing, and leaves nothing', async () => {
    const { control, isolate } = newServer()
    for (const code of ['', CODE.toUpperCase(), CODE.slice(1), newRing()]) {
      expect(await codeOf(await isolate().claim(code))).toEqual([400, 'wrong_setup_code'])
    }
    expect(await codeOf(await isolate().confirm('a guess'))).toEqual([400, 'wrong_setup_code'])
    const stored = await runInDurableObject(control(), (_, { storage }) => [
      ...storage.kv.list(),
      ...storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'keys'"),
    ])
    expect(stored).toEqual([])
    expect(logged()).toContain('claim:wrong-code')
    expect(JSON.stringify(warned.mock.calls)).not.toContain(CODE)
  })

  it('is slowed by its network, while other networks and the right code are not', async () => {
    const { isolate } = newServer()
    const from = (address: string) => ({ 'cf-connecting-ip': address })
    const guess = async (address: string) =>
      (await isolate().claim('a guess', from(address))).status
    for (let n = 0; n < 5; n++) {
      expect(await guess('192.0.2.7')).toBe(400)
    }
    const slow: number[] = []
    for (let n = 0; n < 6; n++) {
      void guess('192.0.2.7').then((status) => slow.push(status))
    }
    await until(
      async () => slow.length,
      (count) => count === 2,
    )
    expect(slow).toEqual([429, 429])
    expect(await guess('192.0.2.8')).toBe(400)
    expect((await isolate().claim(CODE, from('192.0.2.7'))).status).toBe(200)
    await turnTimers(1000)
    await until(
      async () => slow.length,
      (count) => count === 6,
    )
    turn(MINUTE)
    expect(await guess('192.0.2.7')).toBe(400)
  })

  it.each([
    ['a page of another site', { 'sec-fetch-site': 'cross-site' }],
    ['a page of another host of the domain', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'https://evil.test' }],
    ['a form', { 'content-type': 'text/plain' }],
    ['a page without the header', { 'x-edgemdm': '' }],
  ])('cannot claim through %s, even with the code', async (_, headers) => {
    const { isolate } = newServer()
    expect(await codeOf(await isolate().claim(CODE, headers))).toEqual([403, 'cross_site'])
    expect((await isolate().claim(CODE, { 'sec-fetch-site': 'same-origin' })).status).toBe(200)
  })

  it.each([
    ['a long body', JSON.stringify({ code: 'x'.repeat(1024) })],
    ['no JSON', 'code=x'],
    ['no code', '{}'],
    ['a code that is no text', '{"code":1}'],
    ['null', 'null'],
  ])('is refused with %s', async (_, body) => {
    const { ask } = newServer().isolate()
    const answer = await ask('/setup/claim', { method: 'POST', headers: SETUP, body })
    expect(await codeOf(answer)).toEqual([400, 'invalid_request'])
  })
})

describe('a setup code', () => {
  it.each([
    ['short', 'abcdefghij123456789'],
    ['of few characters', 'abcabcabcabcabcabcabcabc'],
    ['an example', 'Your-Setup-Code'],
  ])('that is %s claims nothing, and the answer does not show it', async (_, code) => {
    const { isolate } = newServer()
    const answer = await isolate({ SETUP_CODE: code }).claim(code)
    const text = await answer.text()
    expect(answer.status).toBe(503)
    expect(JSON.parse(text)).toMatchObject({ code: 'no_setup_code' })
    expect(text).toContain('SETUP_CODE')
    expect(text.toLowerCase()).not.toContain(code.toLowerCase())
  })

  it('that is not set names the command that sets it', async () => {
    const { claim } = newServer().isolate({ SETUP_CODE: '' })
    const answer = await claim()
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      code: 'no_setup_code',
      detail: expect.stringContaining('npx wrangler secret put SETUP_CODE'),
    })
  })

  it('may be given by its hash alone, if it was generated', async () => {
    const hashOf = (code: string) => createHash('sha256').update(code).digest('hex')
    const generated = 'K7Q2-M9XA-R4TE-W8ZB-P3DN-6H'
    const vars = { SETUP_CODE: '', SETUP_CODE_HASH: hashOf(generated) }
    const server = newServer()
    expect((await server.isolate(vars).claim(generated)).status).toBe(200)
    expect((await server.isolate(vars).claim(hashOf(generated))).status).toBe(400)
    const weak = { SETUP_CODE: '', SETUP_CODE_HASH: hashOf('mother1') }
    const answer = await server.isolate(weak).claim('mother1')
    expect(answer.status).toBe(503)
    expect(await answer.text()).toContain('SETUP_CODE_HASH')
    const broken = server.isolate({ SETUP_CODE: '', SETUP_CODE_HASH: 'abc' })
    expect(await broken.state()).toMatchObject({ code: 'weak' })
    expect(await codeOf(await broken.claim(generated))).toEqual([503, 'no_setup_code'])
  })

  it('does nothing once the server is claimed', async () => {
    const { isolate } = await claimedServer()
    for (const vars of [{}, { SETUP_CODE: newRing() }]) {
      expect(await codeOf(await isolate(vars).claim())).toEqual([409, 'already_claimed'])
      expect(await codeOf(await isolate(vars).confirm())).toEqual([409, 'already_claimed'])
    }
    const own = isolateOf({ SETUP_CODE: CODE })
    expect(await codeOf(await own.claim())).toEqual([409, 'already_claimed'])
  })
})
