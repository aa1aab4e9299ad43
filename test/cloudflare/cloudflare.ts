import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newAccount, type Account } from './account.ts'
import { CERTIFICATE_ROUTES } from './certificates.ts'
import { D1_ROUTES } from './d1.ts'
import { QUEUE_ROUTES } from './queues.ts'
import { Bare, Refused, type Call, type Routes } from './route.ts'
import { TRIGGER_ROUTES } from './triggers.ts'
import { USER_ROUTES } from './user.ts'
import { WORKER_ROUTES } from './workers.ts'

const ROUTES: Routes = [
  ...USER_ROUTES,
  ...WORKER_ROUTES,
  ...TRIGGER_ROUTES,
  ...D1_ROUTES,
  ...QUEUE_ROUTES,
  ...CERTIFICATE_ROUTES,
]

const PREFIX = '/client/v4'
const ENVELOPE = { success: true, errors: [], messages: [] }

/** An answer that Cloudflare gives in trouble. */
export interface Fault {
  readonly method: string
  /** Of the path without `/client/v4` and without `/accounts/ID`. */
  readonly path: RegExp
  readonly status: number
  readonly code: number
  readonly message: string
  /** How often; 1 when absent. */
  readonly times?: number
  /** The call has its effect, and only the answer is lost. */
  readonly afterwards?: boolean
}

export interface Cloudflare {
  readonly url: string
  /** The only account, or the first one. */
  readonly account: Account
  readonly accounts: readonly Account[]
  /** All requests, in order of arrival. */
  readonly calls: readonly Call[]
  /** The whole environment of a child process that takes this for Cloudflare. */
  readonly env: Readonly<Record<string, string>>
  fail(fault: Fault): void
  close(): Promise<void>
}

export interface CloudflareOptions {
  /** Names of the accounts that the token may use. */
  readonly accounts?: readonly string[]
  /** Of workers.dev; `null` when none is registered. */
  readonly subdomain?: string | null
  /** Zones of the first account. */
  readonly zones?: readonly string[]
}

/** Cloudflare's REST API on loopback, as far as `wrangler` needs it for EdgeMDM. */
export async function startCloudflare(options: CloudflareOptions = {}): Promise<Cloudflare> {
  const { accounts: names = ['Example'], subdomain = 'example', zones = [] } = options
  const accounts = names.map((name, place) =>
    newAccount(name, subdomain ?? undefined, place === 0 ? zones : []),
  )
  const [account] = accounts
  if (!account) {
    throw new Error('a token without any account is not supported')
  }
  const calls: Call[] = []
  const faults: { fault: Fault; left: number }[] = []
  const home = await mkdtemp(join(tmpdir(), 'edgemdm-cloudflare-'))
  const server = createServer((incoming, response) => {
    answer(incoming, accounts, origin, faults)
      .then(({ call, status, json, headers }) => {
        calls.push({ ...call, status })
        send(response, status, json, headers)
      })
      .catch((error: unknown) => send(response, 500, failure(1000, String(error))))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return {
    url: origin + PREFIX,
    account,
    accounts,
    calls,
    env: environment(origin, home),
    fail: (fault) => faults.push({ fault, left: fault.times ?? 1 }),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** Nothing of the machine's own login, settings or caches is in it. */
function environment(origin: string, home: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    CLOUDFLARE_API_BASE_URL: origin + PREFIX,
    CLOUDFLARE_API_TOKEN: 'x',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_LOG_PATH: join(home, 'logs'),
    // Else it remembers the account in the node_modules of this project.
    WRANGLER_CACHE_DIR: join(home, 'cache'),
    NO_COLOR: '1',
  }
}

interface Answer {
  readonly call: Omit<Call, 'status'>
  readonly status: number
  readonly json: unknown
  readonly headers?: Readonly<Record<string, string>>
}

async function answer(
  incoming: IncomingMessage,
  accounts: readonly Account[],
  origin: string,
  faults: { fault: Fault; left: number }[],
): Promise<Answer> {
  const url = new URL(incoming.url ?? '/', origin)
  const [, id, path = ''] =
    /^(?:\/client\/v4)?(?:\/accounts\/([^/]+)(?=\/))?(\/.*)$/.exec(url.pathname) ?? []
  const method = incoming.method ?? ''
  const call = { method, path, query: url.searchParams, ...(await contentOf(incoming)) }
  const failing = faults.find(
    ({ fault, left }) => left > 0 && fault.method === method && fault.path.test(path),
  )
  try {
    if (failing) {
      failing.left -= 1
      if (failing.fault.afterwards) {
        handle(call, accounts, id, origin)
      }
      throw new Refused(failing.fault.status, failing.fault.code, failing.fault.message)
    }
    const result = handle(call, accounts, id, origin)
    return result instanceof Bare
      ? { call, status: 200, json: result.json, headers: result.headers }
      : { call, status: 200, json: { ...ENVELOPE, ...paged(result, url.searchParams) } }
  } catch (error) {
    if (!(error instanceof Refused)) {
      throw error
    }
    return { call, status: error.status, json: failure(error.code, error.message, error.meta) }
  }
}

function handle(
  call: Answer['call'],
  accounts: readonly Account[],
  id: string | undefined,
  origin: string,
): unknown {
  const account = id === undefined ? accounts[0] : accounts.find((one) => one.id === id)
  if (!account) {
    throw new Refused(403, 10000, 'Authentication error')
  }
  for (const [method, path, handler] of ROUTES) {
    const part = method === call.method ? matched(path, call.path) : undefined
    if (part) {
      return handler({ ...call, account, accounts, part, origin })
    }
  }
  throw new Refused(404, 7000, `No route for that URI: ${call.method} ${call.path}`)
}

function matched(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  const fits = wanted.every((name, place) => name.startsWith(':') || name === given[place])
  return fits && wanted.length === given.length
    ? Object.fromEntries(
        wanted.flatMap((name, place) =>
          name.startsWith(':') ? [[name.slice(1), decodeURIComponent(given[place] ?? '')]] : [],
        ),
      )
    : undefined
}

/** Lists come in pages when the caller counts them. */
function paged(result: unknown, query: URLSearchParams) {
  if (!Array.isArray(result)) {
    return { result }
  }
  const [page, size] = [Number(query.get('page') ?? 1), Number(query.get('per_page') ?? 100)]
  const slice = result.slice((page - 1) * size, page * size)
  const result_info = { page, per_page: size, count: slice.length, total_count: result.length }
  return { result: slice, result_info }
}

/** Of an upload, the metadata and the names of its modules. */
async function contentOf(incoming: IncomingMessage): Promise<Pick<Call, 'body' | 'files'>> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) {
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  const type = incoming.headers['content-type'] ?? ''
  if (type.startsWith('multipart/')) {
    const form = await new Response(bytes, { headers: { 'content-type': type } }).formData()
    const metadata = form.get('metadata')
    const text = typeof metadata === 'string' ? metadata : await metadata?.text()
    return {
      body: JSON.parse(text ?? '{}'),
      files: [...form.keys()].filter((name) => name !== 'metadata'),
    }
  }
  const text = bytes.toString()
  return { body: /^[[{]/.test(text) ? JSON.parse(text) : text, files: [] }
}

function failure(code: number, message: string, meta?: unknown) {
  const errors = message.split('\n').map((line) => ({ code, message: line, meta }))
  return { success: false, errors, messages: [], result: null }
}

function send(
  response: ServerResponse,
  status: number,
  json: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(json))
}
