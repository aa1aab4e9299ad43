import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { newState, start, within, type RunningServer } from '../e2e/server.ts'
import { PATIENCE } from '../patience.ts'
import { startBrowser, type Browser, type Page } from './browser.ts'

/**
 * I5: every admin act is the act of somebody who holds the key and meant this site. The attacker is a web
 * page that an admin opens in a real browser, which remembers the key for the server's origin. The server
 * is on `127.0.0.1`, so that a page on another port of it is of the same site, and one on `localhost` of
 * another. `mdm.test` stands for plain http.
 */

interface Seen {
  readonly method: string
  readonly path: string
  /** The browser sent credentials. */
  readonly keyed: boolean
  readonly site: string | undefined
  readonly status: number
}

let server: RunningServer
let front: Awaited<ReturnType<typeof startFront>>
let hostile: Awaited<ReturnType<typeof listen>>
let browser: Browser
let udid: string
let key: string
let keyed: Page

async function listen(listener: RequestListener) {
  const listening = createServer(listener).listen(0)
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  return {
    port,
    async close() {
      listening.closeAllConnections()
      listening.close()
      await once(listening, 'close')
    },
  }
}

/**
 * A proxy before the server, with a login of its own at `/login`: so a browser comes to remember Basic
 * credentials for an origin. Everything else is handed on as it is, and noted.
 */
async function startFront(to: string) {
  const seen: Seen[] = []
  const waiting = new Set<() => void>()
  const note = ({ method = '', url: path = '', headers }: IncomingMessage, status: number) => {
    const { authorization, 'sec-fetch-site': site } = headers
    seen.push({ method, path, keyed: authorization !== undefined, site: site?.toString(), status })
    waiting.forEach((check) => check())
  }
  const listening = await listen((incoming, answer) => {
    const { method, url, headers } = incoming
    if (url === '/login') {
      const challenge = { 'www-authenticate': 'Basic realm="login"' }
      answer.writeHead(headers.authorization ? 200 : 401, challenge).end('login')
      return
    }
    const { hostname, port } = new URL(to)
    const options = { hostname, port, path: url, method, headers, agent: false }
    const handed = request(options, (response) => {
      note(incoming, response.statusCode ?? 0)
      answer.writeHead(response.statusCode ?? 0, response.headers)
      response.pipe(answer)
    })
    handed.once('error', () => answer.destroy())
    incoming.pipe(handed)
  })
  return {
    ...listening,
    url: `http://127.0.0.1:${listening.port}`,
    seen,
    /** The first request to `path` of those that were noted from the place `from` on. */
    until: (method: string, path: string, from: number) =>
      within(
        new Promise<Seen>((resolve) => {
          const check = () => {
            const found = seen
              .slice(from)
              .find((entry) => entry.method === method && entry.path.startsWith(path))
            if (found) {
              waiting.delete(check)
              resolve(found)
            }
          }
          waiting.add(check)
          check()
        }),
        () => `no ${method} ${path} among ${JSON.stringify(seen.slice(from))}`,
      ),
  }
}

/** All that was ever queued for the device or pushed to it. */
async function acts(): Promise<object[]> {
  const path = `/api/devices/${udid}/events?kind=command,push`
  return (await server.api<{ items: object[] }>('GET', path)).body.items
}

beforeAll(async () => {
  server = await start(await newState(), ['--devices', '1'], 'simulated device enrolled')
  key = readFileSync(join(server.state, 'api-key'), 'utf8').trim()
  udid = await vi.waitFor(
    async () => {
      const { body } = await server.api<{ items: { id: string }[] }>('GET', '/api/devices')
      expect(body.items).toHaveLength(1)
      return body.items[0]?.id ?? ''
    },
    { timeout: PATIENCE, interval: 20 },
  )
  front = await startFront(server.url)
  hostile = await listen(({ url }, answer) => {
    const name = decodeURIComponent(url?.slice(1) ?? '')
    answer.writeHead(200, { 'content-type': 'text/html' }).end(ATTACKS[name]?.page() ?? '')
  })
  browser = await startBrowser('mdm.test')
  keyed = await browser.newPage()
  await keyed.goto(front.url.replace('//', `//micromdm:${key}@`) + '/login')
})

afterAll(async () => {
  await browser?.close()
  await hostile?.close()
  await front?.close()
  await server?.stop()
})

const COMMANDS = '/v1/commands'
const ownCommands = () => `/api/devices/${udid}/commands`
const push = () => `/push/${udid}`
const eraseDevice = () => `{"udid":"${udid}","request_type":"EraseDevice","pin":"123456"}`

/** JSON as `name=value` of a form whose encoding is text/plain. */
const form = (action: string, target = '_self') => `
  <iframe name="hidden" hidden></iframe>
  <form method="post" enctype="text/plain" action="${front.url}${action}" target="${target}">
    <input name='${eraseDevice().slice(0, -1)},"x":"' value='"}' />
  </form>
  <script>document.forms[0].submit()</script>`
const script = (source: () => string) => `<script>${source()}</script>`
const sent = (path: string, init: string) =>
  `fetch('${front.url}${path}', { credentials: 'include', ${init} })`

interface Attack {
  /** The page that the admin opens. */
  page(): string
  /** What the browser asks our server because of it. */
  readonly method: string
  path(): string
}

const ATTACKS: Record<string, Attack> = {
  'a form of text/plain': { page: () => form(COMMANDS), method: 'POST', path: () => COMMANDS },
  'a form in a hidden frame': {
    page: () => form(ownCommands(), 'hidden'),
    method: 'POST',
    path: ownCommands,
  },
  'a fetch without CORS': {
    page: () =>
      script(() => sent(COMMANDS, `method: 'POST', mode: 'no-cors', body: '${eraseDevice()}'`)),
    method: 'POST',
    path: () => COMMANDS,
  },
  'a beacon': {
    page: () =>
      script(() => `navigator.sendBeacon('${front.url}${ownCommands()}', '${eraseDevice()}')`),
    method: 'POST',
    path: ownCommands,
  },
  'a fetch with a preflight': {
    page: () => script(() => sent(ownCommands(), `method: 'DELETE'`)),
    method: 'OPTIONS',
    path: ownCommands,
  },
  'an image': {
    page: () => `<img src="${front.url}${push()}" />`,
    method: 'GET',
    path: push,
  },
  'a script': {
    page: () => `<script src="${front.url}${push()}"></script>`,
    method: 'GET',
    path: push,
  },
  'a frame': {
    page: () => `<iframe src="${front.url}${push()}"></iframe>`,
    method: 'GET',
    path: push,
  },
  'a redirection of the page': {
    page: () => script(() => `location = '${front.url}${push()}'`),
    method: 'GET',
    path: push,
  },
  'a prefetch': {
    page: () => `<link rel="prefetch" href="${front.url}${push()}" />`,
    method: 'GET',
    path: push,
  },
  'an event source': {
    page: () => script(() => `new EventSource('${front.url}${push()}', { withCredentials: true })`),
    method: 'GET',
    path: push,
  },
  'a WebSocket': {
    page: () => script(() => `new WebSocket('${front.url.replace('http', 'ws')}${push()}')`),
    method: 'GET',
    path: push,
  },
}

describe.each(['localhost', '127.0.0.1'])('a page on %s, another origin', (host) => {
  it.each(Object.keys(ATTACKS))('does nothing by %s', async (name) => {
    const { method, path } = ATTACKS[name] as Attack
    const from = front.seen.length
    await keyed.goto(`http://${host}:${hostile.port}/${encodeURIComponent(name)}`)
    const { status } = await front.until(method, path(), from)
    expect(status).toBe(403)
    expect(await acts()).toEqual([])
  })
})

it('the browser of these tests added the key to the requests of those pages', () => {
  const armed = front.seen
    .filter((entry) => entry.keyed)
    .map(({ method, site }) => `${method} ${site}`)
  expect(armed).toEqual(
    expect.arrayContaining(['POST cross-site', 'POST same-site', 'GET cross-site']),
  )
})

it('an address that the admin types is read, and a page of the server itself may act', async () => {
  await keyed.goto(`${front.url}/api/devices/${udid}`)
  expect(await keyed.evaluate('JSON.parse(document.body.innerText).id')).toBe(udid)
  const body = JSON.stringify({ request_type: 'ProfileList' })
  const status = `fetch('${ownCommands()}', { method: 'POST', body: '${body}' }).then((r) => r.status)`
  expect(await keyed.evaluate(status)).toBe(202)
})

it('no browser asks for the key, or keeps one from its user', async () => {
  const fresh = await browser.newPage()
  const prompts = await fresh.prompts()
  await fresh.goto(`${front.url}/api/docs`)
  expect(await fresh.evaluate('document.title')).toBe('EdgeMDM')
  const from = front.seen.length
  const origins = [
    front.url,
    front.url.replace('127.0.0.1', 'mdm.test'),
    front.url.replace('//', `//micromdm:${key}@`),
  ]
  for (const origin of origins) {
    for (const path of [
      '/api/jobs',
      '/api/devices',
      `/v1/commands/${udid}`,
      push(),
      '/boltbackup',
    ]) {
      await fresh.goto(origin + path)
    }
  }
  expect(prompts).toEqual([])
  const answers = front.seen.slice(from).filter(({ path }) => path !== '/favicon.ico')
  expect(answers).toHaveLength(15)
  expect(answers.filter((entry) => entry.keyed || entry.status !== 401)).toEqual([])
})
