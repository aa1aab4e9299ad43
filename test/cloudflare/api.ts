import type { IncomingMessage } from 'node:http'
import type { Account } from './account.ts'
import { ASSET_ROUTES } from './assets.ts'
import { CERTIFICATE_ROUTES } from './certificates.ts'
import { D1_ROUTES } from './d1.ts'
import { bytesOf } from './edge.ts'
import { QUEUE_ROUTES } from './queues.ts'
import { Bare, Refused, type Arrived, type Call, type Routes } from './route.ts'
import { TRIGGER_ROUTES } from './triggers.ts'
import { USER_ROUTES } from './user.ts'
import { ACCESS_ROUTES } from './watch/access.ts'
import { USAGE_ROUTES } from './watch/usage.ts'
import { WORKER_ROUTES } from './workers.ts'

const ROUTES: Routes = [
  ...USER_ROUTES,
  ...WORKER_ROUTES,
  ...ASSET_ROUTES,
  ...TRIGGER_ROUTES,
  ...D1_ROUTES,
  ...QUEUE_ROUTES,
  ...CERTIFICATE_ROUTES,
  ...ACCESS_ROUTES,
  ...USAGE_ROUTES,
]

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

/** What stands behind one address. */
export interface Behind {
  readonly accounts: readonly Account[]
  readonly origin: string
  readonly faults: { readonly fault: Fault; left: number }[]
}

interface Answer {
  readonly call: Call
  readonly json: unknown
  readonly headers: Readonly<Record<string, string>>
}

export async function answer(incoming: IncomingMessage, behind: Behind): Promise<Answer> {
  const { method = '', url = '/' } = incoming
  const { pathname, searchParams: query } = new URL(url, behind.origin)
  const [, id, path = ''] =
    /^(?:\/client\/v4)?(?:\/accounts\/([^/]+)(?=\/))?(\/.*)$/.exec(pathname) ?? []
  const call = { method, path, query, ...(await contentOf(incoming)) }
  const done = (status: number, json: unknown, headers = {}): Answer => ({
    call: { ...call, status },
    json,
    headers,
  })
  try {
    const result = withFaults(behind, call, () => handle(behind, call, id))
    return result instanceof Bare
      ? done(200, result.json, result.headers)
      : done(200, { ...ENVELOPE, ...paged(result, query) })
  } catch (error) {
    const { status, code, message, meta } =
      error instanceof Refused ? error : new Refused(500, 10013, String(error))
    const errors = message.split('\n').map((line) => ({ code, message: line, meta }))
    return done(status, { success: false, errors, messages: [], result: null })
  }
}

function withFaults({ faults }: Behind, call: Arrived, work: () => unknown): unknown {
  const failing = faults.find(
    ({ fault, left }) => left > 0 && fault.method === call.method && fault.path.test(call.path),
  )
  if (!failing) {
    return work()
  }
  failing.left -= 1
  const { status, code, message, afterwards } = failing.fault
  if (afterwards) {
    work()
  }
  throw new Refused(status, code, message)
}

function handle({ accounts, origin }: Behind, call: Arrived, id: string | undefined): unknown {
  const account = accounts.find((one) => id === undefined || one.id === id)
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
async function contentOf(incoming: IncomingMessage): Promise<Pick<Arrived, 'body' | 'files'>> {
  const bytes = await bytesOf(incoming)
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
