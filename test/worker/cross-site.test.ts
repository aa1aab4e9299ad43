import worker from '../../src/index.ts'
import { createExecutionContext } from 'cloudflare:test'
import { describe, expect, it, afterEach, beforeEach, vi } from 'vitest'
import type { Env } from '../../src/env.ts'
import { api, env, newDevice, serve, until } from './server.ts'
import { turn, turnTimers } from './clock.ts'

const KMFDDM = /^\/(v1\/(notify|declarations|enrollment-sets)|api\/v1\/ddm|tokens|status)\b/
const userOf = (path: string) =>
  path === '/migration' ? 'nanomdm' : KMFDDM.test(path) ? 'kmfddm' : 'micromdm'
const keyTo = (path: string) => ({ authorization: `Basic ${btoa(`${userOf(path)}:test-key`)}` })
const BASIC = keyTo('/')
const OURS = 'http://mdm.test'

const { body: document } = await api<{ paths: Record<string, object> }>('GET', '/api/openapi.json')

/** Every admin route with its methods, and what is no route but behind the same gate. */
const ADMIN = Object.entries({
  ...Object.fromEntries(
    Object.entries(document.paths).map(([path, operations]) => [
      path.replaceAll(/\{\w+\}/g, 'X'),
      Object.keys(operations).map((method) => method.toUpperCase()),
    ]),
  ),
  '/v1/commands': ['POST'],
  '/v1/commands/X': ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'],
  '/v1/devices': ['POST', 'DELETE'],
  '/v1/devices/X/block': ['POST'],
  '/v1/devices/X/unblock': ['POST'],
  '/v1/profiles': ['POST', 'PUT', 'DELETE'],
  '/v1/config/certificate': ['GET', 'PUT'],
  '/v1/challenge': ['POST'],
  '/v1/push/X': ['POST'],
  '/v1/': ['GET'],
  '/push/X': ['GET', 'HEAD', 'POST', 'OPTIONS'],
  '/boltbackup': ['GET'],
  '/migration': ['GET', 'HEAD', 'PUT', 'POST', 'OPTIONS'],
  '/v1/declarations': ['GET', 'HEAD', 'PUT', 'OPTIONS'],
  '/v1/enrollment-sets/X': ['PUT', 'DELETE'],
  '/v1/notify': ['POST'],
  '/api/v1/ddm/declarations': ['GET', 'PUT'],
  '/tokens': ['GET'],
  '/status': ['PUT'],
  '/api': ['POST'],
  '/api/devices/X%0A/commands': ['POST', 'OPTIONS'],
  '/v1/commands/X%0A': ['POST'],
  '/%76%31/commands': ['POST'],
  '/mdm/../v1/commands': ['POST'],
}).flatMap(([path, methods]) => methods.map((method) => [method, path] as const))

const DEVICE = [
  ...['/mdm', '/mdm/connect', '/mdm/checkin', '/checkin'].flatMap((path) =>
    ['GET', 'PUT', 'POST', 'OPTIONS'].map((method) => [method, path] as const),
  ),
  ['GET', '/scep?operation=GetCACaps'],
  ['POST', '/scep?operation=PKIOperation'],
  ['OPTIONS', '/scep'],
  ['GET', '/mdm/enroll'],
  ['POST', '/mdm/enroll'],
  ['GET', '/ota/enroll'],
  ['POST', '/ota/phase23'],
  ['GET', '/mdm/anchor-certs'],
  ['GET', '/MDMServiceConfig'],
  ['GET', '/'],
  ['GET', '/version'],
] as const

type Sent = Record<string, string>

/** What other sites' pages send, and what no browser does. */
const FOREIGN: Sent[] = [
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': 'Same-Origin' },
  { 'sec-fetch-site': 'same-origin, cross-site' },
  { 'sec-fetch-site': '' },
  { 'sec-fetch-site': 'cross-site', origin: OURS },
  { 'sec-fetch-site': 'same-origin', origin: 'https://evil.test' },
  { origin: 'https://evil.test' },
  { origin: 'null' },
  { origin: 'https://mdm.test' },
  { origin: 'http://mdm.test:8080' },
  { origin: 'http://mdm.test.evil.test' },
  { origin: `${OURS}, https://evil.test` },
]
const OWN: Sent[] = [{ 'sec-fetch-site': 'same-origin' }, { origin: OURS }]
const READS = /^(GET|HEAD)$/

const send = (method: string, path: string, headers: Sent, keyed = true) =>
  serve(path, {
    method,
    headers: { ...(keyed ? keyTo(path) : {}), ...headers },
    ...(READS.test(method) ? {} : { body: '{' }),
  })

const allows = ({ headers }: Response) =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'))

describe('a request that another site’s page sent', () => {
  it.each(FOREIGN)(
    'is refused on every admin route, with or without the key: %j',
    async (headers) => {
      await Promise.all(
        ADMIN.map(async ([method, path], n) => {
          const response = await send(method, path, headers, n % 2 === 0)
          expect(response.status, `${method} ${path}`).toBe(403)
          expect(response.headers.get('cache-control')).toBe('no-store')
          expect(allows(response)).toEqual([])
        }),
      )
    },
  )

  it('gets a text that says how to do it, in the form of each face', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' }
    const own = await send('POST', '/api/devices/X/commands', headers)
    expect(own.headers.get('content-type')).toBe('application/problem+json')
    const detail = expect.stringMatching(/send it from a program.*set PUBLIC_URL/s)
    expect(await own.json()).toMatchObject({ title: 'Forbidden', status: 403, detail })
    const micromdm = await send('POST', '/v1/commands', headers)
    expect(await micromdm.json()).toEqual({ error: detail })
  })

  it('has no effect', async () => {
    const text = { ...BASIC, 'content-type': 'text/plain', origin: 'https://evil.test' }
    const body = JSON.stringify({ udid: 'QUIET', request_type: 'DeviceLock', pin: '123456' })
    for (const path of ['/v1/commands', '/api/devices/QUIET/commands']) {
      expect((await serve(path, { method: 'POST', headers: text, body })).status).toBe(403)
    }
    expect((await api('GET', '/api/devices/QUIET/commands')).status).toBe(404)
  })

  it('keeps its method, even if a header names another one', async () => {
    const headers = { 'sec-fetch-site': 'none', 'x-http-method-override': 'GET', _method: 'GET' }
    expect((await send('POST', '/v1/push/X', headers)).status).toBe(403)
    const get = { 'sec-fetch-site': 'none', 'x-http-method-override': 'DELETE' }
    await api('POST', '/api/devices/KEPT/commands', { request_type: 'ProfileList' })
    expect((await send('GET', '/v1/commands/KEPT', get)).status).toBe(200)
    const { body } = await api('GET', '/api/devices/KEPT/commands')
    expect(body['items']).toMatchObject([{ state: 'queued' }])
  })
})

describe('a request of this server’s own page, or of no page', () => {
  it('is not refused', async () => {
    for (const [method, path] of ADMIN) {
      for (const headers of [{}, ...OWN]) {
        const { status } = await send(method, path, headers)
        expect(status, `${method} ${path} ${JSON.stringify(headers)}`).not.toBeOneOf([401, 403])
      }
    }
  })

  it('may read at an address that a person typed, and may not change anything', async () => {
    for (const [method, path] of ADMIN) {
      const { status } = await send(method, path, { 'sec-fetch-site': 'none' })
      expect(status === 403, `${method} ${path}`).toBe(!READS.test(method))
    }
  })

  it('may come through a proxy that ends TLS, under PUBLIC_URL', async () => {
    const its = { ...env, PUBLIC_URL: 'https://admin.example.com' } as unknown as Env
    const statusOf = async (origin: string) => {
      const headers = { ...BASIC, origin, 'sec-fetch-site': 'same-origin' }
      const request = new Request('http://internal:8787/v1/devices', {
        method: 'POST',
        headers,
        body: '{}',
      })
      const answer: Promise<Response> = Promise.resolve(
        worker.fetch(request, its, createExecutionContext()),
      )
      return (await answer).status
    }
    expect(await statusOf('https://admin.example.com')).toBe(200)
    expect(await statusOf('http://internal:8787')).toBe(200)
    expect(await statusOf('http://admin.example.com')).toBe(403)
    expect(await statusOf('https://internal:8787')).toBe(403)
  })
})

describe('a device’s route', () => {
  it('gives the same answer for any headers of a browser, and no 401 or 403', async () => {
    for (const [method, path] of DEVICE) {
      const { status } = await send(method, path, {}, false)
      expect(status, `${method} ${path}`).not.toBeOneOf([401, 403])
      await Promise.all(
        [...FOREIGN, ...OWN, { 'sec-fetch-site': 'none' }].map(async (headers) => {
          const response = await send(method, path, headers, false)
          expect(response.status, `${method} ${path} ${JSON.stringify(headers)}`).toBe(status)
          expect(allows(response)).toEqual([])
        }),
      )
    }
  })

  it('accepts the messages of a device that sends such headers', async () => {
    const device = newDevice({
      fetch: (url, init) =>
        serve(new URL(url).pathname, {
          ...(init as RequestInit),
          headers: {
            ...(init?.headers as Record<string, string>),
            origin: 'null',
            'sec-fetch-site': 'cross-site',
          },
        }),
    })
    await device.enroll()
    await api('POST', '/v1/commands', { udid: device.udid, request_type: 'ProfileList' })
    await device.poll()
    expect(device.received).toHaveLength(1)
  })
})

describe('the key', () => {
  const BROWSERS = [
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'same-origin' },
    { 'upgrade-insecure-requests': '1' },
  ]
  const gets = ADMIN.filter(([method]) => method === 'GET')

  it.each(BROWSERS)('is not requested from a browser, which would keep it: %j', async (headers) => {
    for (const [method, path] of gets) {
      const response = await send(method, path, headers, false)
      expect([response.status, response.headers.get('www-authenticate')], path).toEqual([401, null])
    }
  })

  it.each([{}, { accept: 'text/html' }, { 'sec-fetch-mode': 'cors', 'user-agent': 'Mozilla/5.0' }])(
    'is requested from a program, as Basic or Bearer: %j',
    async (headers: Sent) => {
      for (const [method, path] of gets) {
        const response = await send(method, path, headers, false)
        expect(response.status).toBe(401)
        expect(response.headers.get('www-authenticate'), path).toBe(
          `Basic realm="${userOf(path)}", Bearer realm="${userOf(path)}"`,
        )
      }
    },
  )

  it('gives answers that no cache keeps', async () => {
    for (const [method, path] of ADMIN) {
      for (const keyed of [true, false]) {
        const { headers } = await send(method, path, {}, keyed)
        expect(headers.get('cache-control'), `${method} ${path}`).toBe('no-store')
      }
    }
  })

  it.each(['/api/docs', '/api/openapi.json'])('is not needed for %s', async (path) => {
    for (const headers of [{}, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'none' }]) {
      const response = await send('GET', path, headers, false)
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([200, null])
      expect(allows(response)).toEqual([])
    }
  })
})

const key = (password: string) => `Basic ${btoa(`micromdm:${password}`)}`
const call = (address: string, password: string, path = '/api/devices'): Promise<Response> =>
  serve(path, { headers: { authorization: key(password), 'cf-connecting-ip': address } })
const many = async (count: number, address: string): Promise<number[]> =>
  Promise.all(Array.from({ length: count }, async () => (await call(address, 'wrong')).status))

/** Sends so many more than may wait, once these were refused. @returns the statuses, as they come */
async function fill(addresses: readonly string[], more: number): Promise<number[]> {
  const statuses: number[] = []
  for (const address of addresses) {
    for (let n = 0; n < 4; n += 1) {
      void call(address, 'wrong').then(({ status }) => statuses.push(status))
    }
  }
  const [last = ''] = addresses.slice(-1)
  for (let n = 0; n < more; n += 1) {
    void call(last, 'wrong').then(({ status }) => statuses.push(status))
  }
  await until(
    async () => statuses.length,
    (length) => length >= more,
  )
  return statuses
}

const warned = vi.spyOn(console, 'warn')
beforeEach(() => void warned.mockClear())
afterEach(() => {
  turn(60_000)
})
const logged = (): unknown[] =>
  warned.mock.calls
    .map(([line]) => JSON.parse(String(line)) as { event: string })
    .filter(({ event }) => event === 'auth:wrong-key')

it('wrong keys are refused at once, then slowly, then at once if too many wait', async () => {
  expect(new Set(await many(20, '192.0.2.1'))).toEqual(new Set([401]))
  const statuses = await fill(['192.0.2.1'], 2)
  await turnTimers(900)
  expect(statuses).toEqual([429, 429])
  await turnTimers(100)
  await until(
    async () => statuses,
    ({ length }) => length === 6,
  )
  expect(statuses.slice(2)).toEqual([401, 401, 401, 401])
})

it('the right key is accepted at once meanwhile, and other sources are not slowed', async () => {
  await many(20, '192.0.2.2')
  await fill(['192.0.2.2'], 1)
  expect((await call('192.0.2.2', 'test-key')).status).toBe(200)
  expect((await call('192.0.2.3', 'wrong')).status).toBe(401)
  expect((await serve('/api/devices', {})).status).toBe(401)
  turn(60_000)
  expect(new Set(await many(20, '192.0.2.2'))).toEqual(new Set([401]))
})

it('a network of IPv6 counts as one source', async () => {
  for (let n = 0; n < 20; n += 1) {
    await call(`2001:db8:1:2::${n}`, 'wrong')
  }
  await fill(['2001:db8:1:2:ffff::1'], 1)
  expect((await call('2001:db8:1:2::99', 'wrong')).status).toBe(429)
  expect((await call('2001:db8:1:3::99', 'wrong')).status).toBe(401)
})

it('the answer says when to try again, in the form of the route', async () => {
  await many(20, '192.0.2.4')
  await fill(['192.0.2.4'], 1)
  const own = await call('192.0.2.4', 'wrong')
  expect([own.status, own.headers.get('retry-after')]).toEqual([429, '60'])
  expect(await own.json()).toMatchObject({ status: 429, title: 'Too Many Requests' })
  const micromdm = await call('192.0.2.4', 'wrong', '/v1/commands/A')
  expect(micromdm.status).toBe(429)
  expect(await micromdm.json()).toEqual({ error: expect.stringContaining('API key is wrong') })
})

it('waiting answers are limited over all sources', async () => {
  const sources = Array.from({ length: 26 }, (_, n) => `198.51.100.${n}`)
  await Promise.all(sources.map((source) => many(20, source)))
  const statuses = await fill(sources, 0)
  await until(
    async () => statuses.length,
    (length) => length >= 4,
  )
  await turnTimers(100)
  expect(statuses).toEqual([429, 429, 429, 429])
})

it('a source is logged once a minute, with the number of wrong keys before', async () => {
  await many(7, '192.0.2.5')
  const line = {
    event: 'auth:wrong-key',
    level: 'warn',
    from: '192.0.2.5',
    request_id: expect.any(String),
  }
  expect(logged()).toEqual([line])
  turn(60_000)
  await many(2, '192.0.2.5')
  expect(logged().slice(1)).toEqual([{ ...line, before: 7 }])
})
