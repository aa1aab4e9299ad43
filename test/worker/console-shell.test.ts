import { exports } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ask, cookieOf, withCookie } from './keys-api-tools.ts'
import { api, newDevice } from './server.ts'

const PAGE = '<!doctype html><title>EdgeMDM</title>'
const FILES: Readonly<Record<string, string>> = {
  '/console.html': PAGE,
  '/console-main-ABC.js': 'export {}',
  '/console-console-ABC.css': ':root{}',
}
const BUILT = {
  ASSETS: {
    fetch: async (url: string) => {
      const text = FILES[new URL(url).pathname]
      return new Response(text ?? 'none', { status: text === undefined ? 404 : 200 })
    },
  },
}
const NAVIGATION = {
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
  accept: 'text/html',
}

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
})

describe('the page of the console', () => {
  it.each(['/console', '/console/devices/X?tab=queue', '/console/no/such/screen'])(
    'is at %s, with a policy that lets nothing else in',
    async (path) => {
      const response = await ask(path, { headers: NAVIGATION }, BUILT)
      expect([response.status, await response.text()]).toEqual([200, PAGE])
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      })
      const policy = response.headers.get('content-security-policy')?.split('; ')
      expect(policy).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ])
    },
  )

  it('opens from a link on another site, and sets no cookie', async () => {
    const headers = { ...NAVIGATION, 'sec-fetch-site': 'cross-site' }
    const response = await ask('/console', { headers }, BUILT)
    expect([response.status, response.headers.get('set-cookie')]).toEqual([200, null])
  })

  it('needs no key, while its data does', async () => {
    expect((await ask('/console', {}, BUILT)).status).toBe(200)
    expect((await ask('/console/session', {}, BUILT)).status).toBe(401)
  })
})

describe('a file of the console', () => {
  it.each([
    ['main-ABC.js', 'text/javascript; charset=utf-8'],
    ['console-ABC.css', 'text/css; charset=utf-8'],
  ])('%s is kept for a year', async (name, type) => {
    const { status, headers } = await ask(`/console/assets/${name}`, {}, BUILT)
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      type,
      'public, max-age=31536000, immutable',
    ])
  })

  it.each(['main-OLD.js', 'console.html', '%2e%2e%2fopenapi.json', 'main-ABC.js.map'])(
    'that is not there is never kept: %s',
    async (name) => {
      const { status, headers } = await ask(`/console/assets/${name}`, {}, BUILT)
      expect([status, headers.get('cache-control')]).toEqual([404, 'no-store'])
    },
  )
})

it.each(['/', '/mdm/enroll', '/ota/enroll', '/mdm/connect', '/no-such-page'])(
  'a browser that opens %s gets what it got without a console',
  async (path) => {
    const plain = await ask(path, {})
    const browser = await ask(path, { headers: NAVIGATION }, BUILT)
    expect(browser.status).toBe(plain.status)
    expect(browser.headers.get('content-type')).toBe(plain.headers.get('content-type'))
    expect(await browser.text()).not.toContain(PAGE)
  },
)

interface Said {
  readonly path: string
  readonly status: number
  readonly headers: object
  readonly body: string
}

/** What a device is answered in its life, with the words that are random taken out. */
async function life(cookie: string): Promise<Said[]> {
  const said: Said[] = []
  const device = newDevice({
    fetch: async (url, init) => {
      const request = new Request(url, init as RequestInit)
      if (cookie !== '') {
        request.headers.set('cookie', cookie)
        request.headers.set('x-edgemdm', 'console')
      }
      const response = await exports.default.fetch(request)
      const bytes = new Uint8Array(await response.arrayBuffer())
      const { 'x-request-id': _id, ...headers } = Object.fromEntries(response.headers)
      const body = Buffer.from(bytes)
        .toString('latin1')
        .replaceAll(/[\dA-F]{8}(-[\dA-F]{4}){3}-[\dA-F]{12}/gi, 'UUID')
      said.push({ path: new URL(url).pathname, status: response.status, headers, body })
      return new Response(bytes, response)
    },
  })
  await device.enroll()
  const command = { request_type: 'DeviceInformation', queries: ['OSVersion'] }
  await api('POST', `/api/devices/${device.udid}/commands`, command)
  await device.poll()
  await device.checkOut()
  return said
}

it('a device is answered the same bytes with the cookie of a session as without', async () => {
  const cookie = await cookieOf('test-key')
  expect((await withCookie(cookie, '/api/whoami')).status).toBe(200)
  const without = await life('')
  expect(without.length).toBeGreaterThan(4)
  expect(await life(cookie)).toEqual(without)
})

it.each(['/v1/devices', '/push/X', '/v1/declarations', '/api/v1/ddm/declarations', '/boltbackup'])(
  'a session opens nothing at %s, where other programs have their key',
  async (path) => {
    const cookie = await cookieOf('test-key')
    const method = path === '/v1/devices' ? 'POST' : 'GET'
    expect((await withCookie(cookie, path, { method })).status).toBe(401)
  },
)

it.each([
  ['without the header', {}, 401],
  [
    'with the header of a page of another site',
    { 'x-edgemdm': 'console', 'sec-fetch-site': 'cross-site' },
    403,
  ],
  ['of another origin', { 'x-edgemdm': 'console', origin: 'https://evil.example.com' }, 403],
  ['with both', { 'x-edgemdm': 'console', 'sec-fetch-site': 'same-origin' }, 204],
])(
  'a cookie changes something only with the header and from this server: %s',
  async (_, headers, status) => {
    const cookie = await cookieOf('test-key')
    const response = await ask('/console/session', {
      method: 'DELETE',
      headers: { cookie, ...headers },
    })
    expect(response.status).toBe(status)
    expect((await withCookie(cookie, '/api/whoami')).status).toBe(status === 204 ? 401 : 200)
  },
)
