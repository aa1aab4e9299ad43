import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { z } from 'zod/v4'
import { PATIENCE } from '../patience.ts'
import { PROJECT, newState, outputOf, start, startReceiver } from './server.ts'
import type { Receiver, RunningServer } from './server.ts'

interface Document {
  readonly servers: unknown
  readonly components: { readonly schemas: object }
}

let server: RunningServer
let hook: Receiver
let udid: string
let key: string
let page: string
let document: Document
let receiver: ChildProcess | undefined

beforeAll(async () => {
  hook = await startReceiver()
  const flags = ['--devices', '1', '--webhook', hook.url]
  server = await start(await newState(), flags, 'simulated device enrolled')
  udid = await listed(server)
  key = readFileSync(join(server.state, 'api-key'), 'utf8').trim()
  page = await (await fetch(`${server.url}/api/docs`)).text()
  document = await (await fetch(`${server.url}/api/openapi.json`)).json()
})

afterAll(async () => {
  receiver?.kill()
  await server.stop()
  await hook.close()
})

const DOCS = ['api.md', 'bulk.md', 'declarations.md', 'software-updates.md', 'blueprints.md']
  .map((name) => readFileSync(join(PROJECT, 'docs', name), 'utf8'))
  .join('\n')

/** The shell commands of the pages, each with its comment for a name. */
const examples = [...DOCS.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
  block
    .replaceAll(/ \\\n/g, ' ')
    .split('\n')
    .filter((line) => line.startsWith('curl ')),
)

/** The simulated device, as soon as lists know that it is enrolled. */
async function listed({ api }: RunningServer): Promise<string> {
  const find = async () => {
    const { body } = await api<{ items: { id: string }[] }>('GET', '/api/devices?state=enrolled')
    expect(body.items).toHaveLength(1)
    return body.items[0]?.id ?? ''
  }
  return vi.waitFor(find, { timeout: PATIENCE, interval: 20 })
}

async function shell(script: string, more: Record<string, string> = {}): Promise<string> {
  const env = { ...process.env, URL: server.url, API_KEY: key, ...more }
  return (await promisify(execFile)('bash', ['-euc', script], { env })).stdout
}

/** What the elements of the page show that begin so. */
function shown(beginning: string): string[] {
  const element = new RegExp(`${beginning}>(.*?)</`, 'gs')
  return [...page.matchAll(element)].map(([, text = '']) =>
    text
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&'),
  )
}

it('every example of docs/api.md, bulk.md and the pages of declarations, updates and blueprints works against npm start, and a call that waits is answered by the device', async () => {
  const ids = Array.from({ length: 25 }, (_, n) => `NEW-${n}`)
  const bulk = await server.api<{ id: string }>('POST', '/api/commands', {
    ids,
    command: { request_type: 'ProfileList' },
    pace: 60,
  })
  expect(examples.length).toBeGreaterThan(10)
  for (const example of examples) {
    if (example.includes('/result"')) {
      await expect
        .poll(() => server.api('GET', `/api/commands/${udid}.1`))
        .toMatchObject({ body: { state: 'acknowledged' } })
    }
    const answer = await shell(example, { UDID: udid, JOB: bulk.body.id })
    expect(answer, example).toMatch(/^[{<]/)
  }
  const order = { request_type: 'SecurityInfo' }
  await expect
    .poll(() => server.api('POST', `/api/devices/${udid}/commands?wait=60`, order))
    .toMatchObject({ status: 200, body: { state: 'acknowledged' } })
})

it('the address of the API leads to its page, without the key', async () => {
  const browser = { headers: { accept: 'text/html', 'sec-fetch-site': 'cross-site' } }
  for (const path of ['/api', '/api/']) {
    const { url, status } = await fetch(server.url + path, browser)
    expect([url, status]).toEqual([`${server.url}/api/docs`, 200])
  }
  expect(await shell('curl -sS "$URL/api"')).toContain('/api/docs')
})

it('each link within the page leads somewhere', () => {
  const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
  const links = [...page.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id)
  expect(links.filter((id) => !ids.has(id))).toEqual([])
  expect(links.length).toBeGreaterThan(100)
})

it('the page allows its own script, and no other', async () => {
  const { headers } = await fetch(`${server.url}/api/docs`)
  const [, script = ''] = /<script>(.*?)<\/script>/s.exec(page) ?? []
  const digest = createHash('sha256').update(script).digest('base64')
  expect(headers.get('content-security-policy')).toContain(`script-src 'sha256-${digest}';`)
  expect(page.match(/<script/g)).toHaveLength(1)
})

it('the search finds an operation by its name, searches the prose, and reports when it finds nothing', () => {
  const [, script = ''] = /<script>(.*?)<\/script>/s.exec(page) ?? []
  const parts = page
    .split(/(?=<(?:section|details) class="part")/)
    .slice(1)
    .map((text) => ({
      textContent: text.replaceAll(/<[^>]*>/g, ' '),
      dataset: { name: / data-name="([^"]+)"/.exec(text)?.[1] },
      hidden: false,
    }))
  const box = { value: '', hidden: true, oninput: () => {} }
  const found = { textContent: '' }
  const elements: Record<string, object> = { search: box, found }
  const scope = {
    document: {
      getElementById: (name: string) => elements[name] ?? null,
      querySelectorAll: () => parts,
      querySelector: () => null,
    },
    location: { hash: '' },
    addEventListener: () => {},
  }
  runInNewContext(script, scope)
  const search = (words: string) => {
    box.value = words
    box.oninput()
    return parts.filter(({ hidden }) => !hidden).map(({ dataset }) => dataset.name)
  }
  expect(box.hidden).toBe(false)
  expect(search('queueCommand')).toContain('queueCommand')
  expect(search('device_not_found')).toContain('errors')
  expect(search('whsec_ only')).toContain('receiver')
  expect(found.textContent).toBe('')
  expect(search('queueCommand zzzz')).toEqual([])
  expect(found.textContent).toBe('Nothing found.')
  expect(search('').length).toBeGreaterThan(80)
  expect(found.textContent).toBe('')
})

it('each parameter names its place', () => {
  const [, table = ''] =
    /<a id="queueCommand">.*?Parameters<\/h4>\s*<table>(.*?)<\/table>/s.exec(page) ?? []
  const places = [...table.matchAll(/<code>([\w-]+)<\/code><small>(\w+)<\/small><\/th>/g)]
  expect(places.map(([, name, place]) => `${name} ${place}`)).toEqual(
    expect.arrayContaining(['id path', 'wait query', 'idempotency-key header']),
  )
})

it('each setting that descriptions name is in the table of settings, with the default of docs/settings.md', () => {
  const named = JSON.stringify(document).match(/\b[A-Z]{3,}(_[A-Z]+)+\b/g) ?? []
  const settings = readFileSync(join(PROJECT, 'docs/settings.md'), 'utf8')
  const rows = [...page.matchAll(/<th><code>([A-Z_]+)<\/code><\/th>\s*<td>(.*?)<\/td>/g)]
  expect(new Set(rows.map(([, name]) => name))).toEqual(new Set(named))
  for (const [, name, usual = ''] of rows) {
    const [, , , initial] =
      settings
        .split('\n')
        .find((line) => line.startsWith(`| \`${name}\` |`))
        ?.split('|') ?? []
    expect(initial, name).toContain(usual)
  }
})

it('the receiver of the page accepts a webhook’s signed posts, and no others', async () => {
  const [code = ''] = shown('<pre id="receiver-code"')
  const make = shown('<pre class="sh"').find((line) => line.includes('/api/webhooks'))
  const { secret, id } = JSON.parse(await shell(make ?? '')) as {
    secret: string
    id: string
  }
  const file = join(mkdtempSync(join(tmpdir(), 'edgemdm-receiver-')), 'receiver.mjs')
  writeFileSync(file, code)
  receiver = spawn(process.execPath, [file], {
    env: { SECRET: secret, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = outputOf(receiver)
  await output.until('port ')
  const url = `http://127.0.0.1:${/port (\d+)/.exec(output.text())?.[1]}/`
  await server.api('PATCH', `/api/webhooks/${id}`, { url })
  const test = await server.api('POST', `/api/webhooks/${id}/test`)
  expect(test).toMatchObject({ status: 200, body: { status: 204 } })
  await output.until('webhook.test TEST 0')
  const headers = {
    'webhook-id': 'id',
    'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
    'webhook-signature': 'v1,AAAA',
  }
  expect((await fetch(url, { method: 'POST', body: '{}', headers })).status).toBe(401)
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401)
})

it('each line of the page can be pasted into a shell', async () => {
  // A receiver that is not there, and a stream, which does not end.
  const lines = shown('<pre class="sh"').filter(
    (line) => !line.includes('hooks.example.com') && !line.includes('/api/stream'),
  )
  expect(lines.length).toBeGreaterThan(60)
  const script = lines.map((line) => `${line} -w '\\nstatus %{http_code}\\n'`).join('\n')
  const answers = (await shell(script, { ID: udid })).split(/(?<=^status \d+)\n/m)
  // The ids of examples are not here, nor what they filter for. `errors` would say that the request itself
  // is wrong.
  const refused = answers.filter(
    (text) => !/^status (2..|400|404|409)$/m.test(text) || text.includes('"errors":[{"at"'),
  )
  expect(refused).toEqual([''])
  expect(answers).toHaveLength(lines.length + 1)
})

it('events are posted as their schemas in the document say', () => {
  const event = z.fromJSONSchema(
    JSON.parse(
      JSON.stringify({
        $defs: document.components.schemas,
        $ref: '#/components/schemas/Event',
      }).replaceAll('#/components/schemas/', '#/$defs/'),
    ),
  )
  expect(hook.received.length).toBeGreaterThan(4)
  for (const received of hook.received) {
    expect(event.safeParse(received), received.topic).toMatchObject({ success: true })
  }
})

it('docs/openapi.json equals the document of the server', async () => {
  const { servers: _, ...rest } = document
  await expect(`${JSON.stringify(rest, null, 2)}\n`).toMatchFileSnapshot(
    join(PROJECT, 'docs/openapi.json'),
    'written anew by: npm test -- --project e2e api-docs.test.ts -u',
  )
})

it('clients that two generators make of the document pass the compiler, and one lists, queues, waits and follows a job', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgemdm-client-'))
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document))
  cpSync(join(import.meta.dirname, './client'), folder, { recursive: true })
  const run = async (...args: string[]) => {
    const env = { ...process.env, URL: server.url, API_KEY: key }
    return promisify(execFile)(process.execPath, args, { cwd: folder, env })
  }
  await run(join(import.meta.dirname, './client/generate.ts'), folder)
  await run('node_modules/typescript/bin/tsc', '-p', '.')
  const { stdout } = await run('program.ts')
  expect(JSON.parse(stdout)).toMatchObject({
    device: { id: udid },
    answered: {
      state: 'acknowledged',
      result: { QueryResponses: { OSVersion: expect.any(String) } },
    },
    job: { state: 'finished' },
    outcomes: { items: [{ id: udid, state: 'done' }] },
  })
})
