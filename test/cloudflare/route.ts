import type { Account, Worker } from './account.ts'

/** A request that arrived. `path` is without `/client/v4` and without `/accounts/ID`. */
export interface Arrived {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** JSON, the metadata of an upload, or raw text. */
  readonly body: unknown
  /** Names of the files of a multipart body. */
  readonly files: readonly string[]
}

/** A request with the status that it was answered with. */
export interface Call extends Arrived {
  readonly status: number
}

export interface Request extends Arrived {
  readonly account: Account
  /** All accounts of the token, for routes outside an account. */
  readonly accounts: readonly Account[]
  /** Parts of the path that the route names with a colon. */
  readonly part: Readonly<Partial<Record<Part, string>>>
  /** The address of this fake. */
  readonly origin: string
}

/** What becomes of a request: the `result` of Cloudflare's envelope, or a throw of `Refused`. */
export type Handler = (request: Request) => unknown

type Part =
  | 'script'
  | 'secret'
  | 'version'
  | 'id'
  | 'zone'
  | 'database'
  | 'file'
  | 'queue'
  | 'consumer'

export type Routes = readonly (readonly [method: string, path: string, handler: Handler])[]

export class Refused extends Error {
  readonly status: number
  readonly code: number
  readonly meta: unknown

  constructor(status: number, code: number, message: string, meta?: unknown) {
    super(message)
    this.status = status
    this.code = code
    this.meta = meta
  }
}

/** An answer that is not in the envelope. */
export class Bare {
  readonly json: unknown
  readonly headers: Readonly<Record<string, string>>

  constructor(json: unknown, headers: Readonly<Record<string, string>> = {}) {
    this.json = json
    this.headers = headers
  }
}

export function found<T>(thing: T | undefined, code: number, message: string): T {
  if (thing === undefined) {
    throw new Refused(404, code, message)
  }
  return thing
}

export function workerOf({ account, part: { script = '' } }: Request): Worker {
  return found(account.workers.get(script), 10007, 'This Worker does not exist on your account.')
}

/** The JSON object of a request, whose fields are read one by one. */
export function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === 'object' && body !== null ? { ...body } : {}
}

export function fieldOf(body: unknown, field: string): unknown {
  return fieldsOf(body)[field]
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(body: unknown, field: string): string {
  const value = fieldOf(body, field)
  if (typeof value !== 'string') {
    throw new Refused(400, 10001, `The field '${field}' is missing.`)
  }
  return value
}
