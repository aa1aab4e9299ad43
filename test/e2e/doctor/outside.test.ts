import { DatabaseSync } from 'node:sqlite'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { newAuthority, pemPairOf } from '../../../src/cli/api-client.ts'
import { newState, type RunningServer, start } from '../server.ts'
import { type Answer, examine, foundBy, startFront } from './doctor-tools.ts'

const YEAR = 365 * 86_400_000
const closing: (() => unknown)[] = []
let server: RunningServer
let key: string

beforeAll(async () => {
  server = await start(await newState(), [])
  key = readFileSync(join(server.state, 'api-key'), 'utf8').trim()
})
afterAll(() => server.stop())
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) {
    await close()
  }
})

async function front(
  ...behaviour: Parameters<typeof startFront> extends [unknown, infer B] ? [B] : never
) {
  const proxy = await startFront(server.url, ...behaviour)
  closing.push(proxy.close)
  return proxy.url
}

/** A proxy that answers the ways of devices itself. */
const onDeviceRoutes = (answer: Answer) =>
  front({ answer: ({ url = '' }) => (/^\/(mdm|checkin)/.test(url) ? answer : undefined) })

it('a good server passes all checks', async () => {
  const results = await examine(server.url, { key })
  const levels = results.map(({ number, level }) => `${number} ${level}`).join(', ')
  expect(levels).toBe('1 ok, 2 skip, 3 ok, 4 ok, 5 ok, 6 ok, 8 ok, 10 ok, 11 ok, 26 skip')
})

it('a proxy that changes nothing is not noticed', async () => {
  const results = await examine(await front({}), { key, only: [1, 3, 4, 5, 6, 8, 11] })
  expect(results.filter(({ level }) => level !== 'ok')).toEqual([])
})

describe('another server at the address', () => {
  it.each([
    [{ status: 404 }, '404 comes from another server'],
    [{ status: 200, body: 'welcome' }, '200 comes from another server'],
    [
      { status: 530, body: 'error code: 1016' },
      'the host name leads to an origin and not to the Worker',
    ],
  ])('is one finding: %o', async (answer, words) => {
    const proxy = await startFront(undefined, { answer: () => answer })
    closing.push(proxy.close)
    const results = await examine(proxy.url, { key })
    expect(foundBy(results, 1)).toContain(`fail: GET /version: ${answer.status}`)
    expect(foundBy(results, 1)).toContain(words)
    expect(results.filter(({ level }) => level === 'fail')).toHaveLength(1)
    expect(foundBy(results, 4)).toBe('skip: they need 1')
  })

  it('is the finding too if only check 4 is wanted', async () => {
    const proxy = await startFront(undefined, {})
    closing.push(proxy.close)
    const results = await examine(proxy.url, { only: [4] })
    expect(results.map(({ number, level }) => [number, level])).toEqual([
      [1, 'fail'],
      [4, 'skip'],
    ])
  })

  it('an unused port says that nothing listens there', async () => {
    const proxy = await startFront(undefined, {})
    await proxy.close()
    expect(foundBy(await examine(proxy.url), 1)).toContain(
      'nothing listens there: start the server',
    )
  })

  it.each([
    ['missing', 'run `npx wrangler secret put SETUP_CODE --name WORKER`, then open'],
    ['set', 'open http'],
  ])('a server without an owner leads to its page, with the setup code %s', async (code, words) => {
    const unclaimed = {
      status: 200,
      headers: { edgemdm: '1' },
      body: JSON.stringify({ claimed: false, code }),
    }
    const url = await front({
      answer: (request) => (request.url === '/setup/state' ? unclaimed : undefined),
    })
    const results = await examine(url, { key })
    expect(foundBy(results, 1)).toContain(`the server has no owner yet. ${words}`)
    expect(foundBy(results, 1)).toContain(`${url}/setup and type the setup code`)
    expect(results.filter(({ level }) => level === 'fail')).toHaveLength(1)
  })
})

describe('what stands in front of the device routes', () => {
  it.each([
    [
      { status: 401, headers: { 'www-authenticate': 'Basic' } },
      'a device that gets 401 removes its management (and so all). take the login away at once',
    ],
    [
      { status: 403, body: 'Forbidden' },
      'a firewall (WAF) (and so all). find the rule in Security > Events',
    ],
    [
      { status: 403, headers: { 'cf-mitigated': 'challenge' }, body: '<html>' },
      'a challenge for browsers (cf-mitigated: challenge) (and so all). turn Bot Fight Mode off',
    ],
    [
      {
        status: 302,
        headers: { location: 'https://team.cloudflareaccess.com/cdn-cgi/access/login/x' },
      },
      'comes from the login of Cloudflare Access (and so all). make the Worker public in Access',
    ],
    [
      { status: 302, headers: { location: 'https://www.example.com/' } },
      '302 to https://www.example.com/ comes from a redirect (and so all). remove the redirect',
    ],
    [{ status: 502 }, 'a proxy that does not reach the server'],
  ])('is named with its remedy by check 4: %o', async (answer, words) => {
    const results = await examine(await onDeviceRoutes(answer), { only: [4] })
    expect(foundBy(results, 4)).toMatch(/^fail: PUT \/mdm\/checkin as iOS: /)
    expect(foundBy(results, 4)).toContain(words)
  })

  it('a rule for one User-Agent is found, and a 401 before all others', async () => {
    const url = await front({
      answer: ({ headers, url: path }) =>
        path === '/checkin' && headers['user-agent']?.startsWith('mdmclient')
          ? { status: 401 }
          : path === '/mdm' && !headers['user-agent']
            ? { status: 403 }
            : undefined,
    })
    const words = 'fail: PUT /checkin as macOS: 401 comes from a login, and a device that gets 401'
    expect(foundBy(await examine(url, { only: [4] }), 4)).toContain(words)
    expect(foundBy(await examine(url, { only: [4] }), 4)).toContain('(2 of 12)')
  })

  it('a redirect to a slash at the end of the path is found by check 5 alone', async () => {
    const url = await front({
      answer: ({ url: path = '' }) =>
        path.endsWith('/') ? { status: 301, headers: { location: path.slice(0, -1) } } : undefined,
    })
    const results = await examine(url, { only: [4, 5] })
    expect(foundBy(results, 4)).toMatch(/^ok/)
    expect(foundBy(results, 5)).toContain('fail: PUT /mdm/checkin/ is redirected to /mdm/checkin.')
    expect(foundBy(results, 5)).toContain('remove the redirect or page rule')
  })

  it('a login of Access before the page at / is found by check 5', async () => {
    const location = 'https://team.cloudflareaccess.com/cdn-cgi/access/login/x'
    const url = await front({
      answer: ({ url: path }) =>
        path === '/' ? { status: 302, headers: { location } } : undefined,
    })
    expect(foundBy(await examine(url, { only: [5] }), 5)).toContain(
      `fail: GET / is redirected to ${location}. make the Worker public in Access`,
    )
  })

  it('small limits for headers and for bodies are found by check 6', async () => {
    const headers = await examine(await front({ maxHeaderSize: 8192 }), { only: [6] })
    expect(foundBy(headers, 6)).toContain(
      'fail: a header Mdm-Signature of 24 KB: 431 comes from a proxy',
    )
    expect(foundBy(headers, 6)).toContain('raise its limits')
    const small = await front({ maxBodySize: 1_000_000 })
    const words = 'fail: a body of 4 MB: 413 comes from a proxy with a small limit'
    expect(foundBy(await examine(small, { only: [6] }), 6)).toContain(words)
  })
})

describe('clocks', () => {
  it('a proxy with old answers, and one with another Date, are found', async () => {
    const old = new Date(Date.now() - 600_000)
    const date = await front({ toClient: { date: old.toUTCString() } })
    expect(foundBy(await examine(date, { only: [3] }), 3)).toMatch(
      /^fail: the header Date says .* \d+ s from .*a proxy in front keeps old answers/,
    )
    const body = JSON.stringify({ ok: true, now: old.toISOString() })
    const kept = await front({
      answer: ({ url }) => (url === '/healthz' ? { status: 200, body } : undefined),
    })
    expect(foundBy(await examine(kept, { only: [3] }), 3)).toMatch(
      /^fail: \/healthz says .* something in front keeps old answers/,
    )
  })

  it('a wrong clock of this machine is found', async () => {
    const results = await examine(server.url, { only: [3], now: () => Date.now() + 600_000 })
    expect(foundBy(results, 3)).toMatch(/^fail: .* 600 s .*set the clock of this machine/)
  })
})

describe('keys', () => {
  it('a wrong key is one finding, which says where the right one is', async () => {
    const results = await examine(server.url, { key: 'another' })
    expect(foundBy(results, 8)).toBe(
      'fail: the server does not know this key. take the key of .edgemdm/api-key',
    )
    expect(foundBy(results, 10)).toBe('skip: they need 8')
    expect(results.filter(({ level }) => level === 'fail')).toHaveLength(1)
    const deployed = await examine(server.url, { key: 'another', only: [8], isLocal: false })
    expect(foundBy(deployed, 8)).toContain('`npx wrangler secret put API_KEY --name NAME`')
  })

  it('without a key, the checks that need one say so', async () => {
    const results = await examine(server.url)
    expect(foundBy(results, 8)).toMatch(/^ok/)
    expect(foundBy(results, 11)).toMatch(/^skip: they need a key/)
  })

  it('a proxy that adds a key opens the admin API to all, and is found', async () => {
    const toServer = { authorization: `Bearer ${key}` }
    const results = await examine(await front({ toServer }), { key, only: [8] })
    expect(foundBy(results, 8)).toContain('fail: GET /api/whoami without a key answered 200')
  })

  it('a proxy that removes WWW-Authenticate is a warning', async () => {
    const url = await front({ removes: ['www-authenticate'] })
    expect(foundBy(await examine(url, { key, only: [8] }), 8)).toMatch(/^warn: the 401 .* WWW-Auth/)
  })

  it('what a key may not see is skipped', async () => {
    const made = await server.api<{ key: string }>('POST', '/api/keys', {
      name: 'reader',
      scopes: ['read'],
    })
    const results = await examine(server.url, { key: made.body.key })
    expect(foundBy(results, 8)).toBe('ok: the key is reader')
    expect(foundBy(results, 10)).toMatch(/^skip: .*"reader" lacks scope enroll/)
    expect(foundBy(results, 11)).toMatch(/^skip: .*"reader" lacks scope enroll/)
  })
})

describe('enrolment', () => {
  const ID = 'com.github.micromdm.micromdm.enroll'

  it('links that lead to another address than the one in use are found', async () => {
    const url = await front({})
    expect(foundBy(await examine(url, { key, only: [10] }), 10)).toBe(
      `fail: the links for enrolment lead to ${server.url}. ` +
        `set PUBLIC_URL=${url} (docs/settings.md), or name the other address with --server`,
    )
  })

  it.each([
    [
      /com\.apple\.mgmt\.External\.[0-9a-f-]+/,
      'com.apple.mgmt.External.other',
      'has the push topic',
    ],
    [/(<key>Keysize<\/key>\s*<integer>)2048/, '$11024', 'asks for keys of 1024 bits'],
    [
      /http:\/\/127[^<]+\/scep/,
      'https://old.example/scep',
      'the SCEP URL of the enrolment profile is',
    ],
    [/<key>ServerURL<\/key>/, '<key>Server</key>', 'the enrolment profile cannot be read'],
  ])(
    'a stored profile with another value than devices need is found: %s',
    async (from, to, words) => {
      const { body } = await server.api<{ profile_url: string }>('GET', '/api/enrollment')
      const own = await (await fetch(body.profile_url)).text()
      const mobileconfig = Buffer.from(own.replace(from, to)).toString('base64')
      const path = `/api/profiles/${ID}`
      expect((await server.api('PUT', path, { mobileconfig })).status).toBeLessThan(300)
      closing.push(() => server.api('DELETE', path))
      const found = foundBy(await examine(server.url, { key, only: [10] }), 10)
      expect(found).toMatch(/^fail: /)
      expect(found).toContain(words)
      expect(found).toContain('stored')
    },
  )
})

describe('SCEP', () => {
  const issuedBefore = async () =>
    (await server.api<{ items: { issued: number }[] }>('GET', '/api/ca')).body.items[0]?.issued

  it('the certificate of the check is gone afterwards, and no device has come', async () => {
    const before = await issuedBefore()
    const found = foundBy(await examine(server.url, { key, only: [11] }), 11)
    expect(found).toMatch(/^ok: .* issued a certificate, which is removed again$/)
    expect(await issuedBefore()).toBe(before)
    expect((await server.api('GET', '/api/devices')).body).toMatchObject({ items: [] })
  })

  it('a proxy that changes the answers is found', async () => {
    const plain = await front({
      answer: ({ url = '' }) =>
        url.includes('GetCACaps')
          ? { status: 200, headers: { edgemdm: '1' }, body: 'SHA-1\nDES3' }
          : undefined,
    })
    expect(foundBy(await examine(plain, { key, only: [11] }), 11)).toContain(
      'fail: GetCACaps lacks SHA-256, AES, POSTPKIOperation. a proxy changes the answer',
    )
  })

  it('an imported CA that has ended, and then no CA at all, are found with their remedy', async () => {
    const ended = pemPairOf(newAuthority(Date.now() - 12 * YEAR))
    const body = { certificate: ended.certificate, private_key: ended.key, imported: true }
    expect((await server.api('POST', '/api/ca', body)).status).toBe(201)
    const find = async () => foundBy(await examine(server.url, { key, only: [11] }), 11)
    expect(await find()).toMatch(
      /^fail: the CA .* ended on 20.*make a CA with `npm run ca -- create --server http:/,
    )

    const files = readdirSync(server.state, { recursive: true, encoding: 'utf8' })
    for (const file of files.filter((name) => name.includes('d1') && name.endsWith('.sqlite'))) {
      const d1 = new DatabaseSync(join(server.state, file))
      d1.exec('PRAGMA busy_timeout = 5000')
      if (d1.prepare("SELECT 1 FROM sqlite_master WHERE name = 'authorities'").get()) {
        d1.exec('DELETE FROM authorities')
      }
      d1.close()
    }
    expect(await find()).toBe(
      'fail: the server has no certificate authority (CA). ' +
        `make a CA with \`npm run ca -- create --server ${server.url}\``,
    )
  })
})
