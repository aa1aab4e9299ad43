import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { isUtf8 } from 'node:buffer'
import type { AppEnv } from '../app-env.ts'
import { readBody } from '../body.ts'
import { CODES, problem } from '../problem.ts'
import { idText } from './device-id.ts'
import { faultOf } from './faults.ts'

/** A parameter that an operation does not have is refused: who sends `?state=queued` to what clears a queue means less than all. */
const NO_QUERY = z.strictObject({})

/** A list of thousands can be wrong in each of its items: the first tell what is wrong. */
const MAX_FAULTS = 10

z.config({ customError: faultOf })

/** A set of routes; {@link ownFace} mounts it under `/api` and documents it. */
export function newRoutes(): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (result.success) {
        return undefined
      }
      const errors = result.error.issues.map(({ path, message }) => ({
        at: [result.target, ...path].join('.'),
        detail: message,
      }))
      const shown = errors.slice(0, MAX_FAULTS)
      const more = errors.length > MAX_FAULTS ? `; and ${errors.length - MAX_FAULTS} more` : ''
      const detail = shown.map((fault) => `${fault.at}: ${fault.detail}`).join('; ') + more
      const kind = shown.some(({ at }) => at === 'param.id') ? 'invalid_id' : 'invalid_request'
      return problem(kind, detail, { errors: shown })
    },
  })
  const { openapi } = routes
  routes.openapi = (route, handler, hook) => {
    Object.assign(route, { request: { query: NO_QUERY, ...route.request } })
    if (!route.request?.body && !BODILESS.has(route.method.toUpperCase())) {
      Object.assign(route, { middleware: emptyBody })
    }
    return openapi(route, handler, hook)
  }
  return routes
}

const problemSchema = z
  .object({
    type: z.string().openapi({ description: 'always `about:blank`: see `code`' }),
    title: z.string().openapi({ description: 'HTTP’s words for the status' }),
    status: z.int(),
    detail: z.string().openapi({ description: 'what is wrong, and what to do; for people' }),
    code: z.enum(CODES).openapi({ description: 'what is wrong; for programs, and stable' }),
    request_id: z
      .string()
      .openapi({ description: 'also in `X-Request-Id`, in the log, and in events' }),
    errors: z
      .array(z.object({ at: z.string(), detail: z.string() }))
      .openapi({ description: 'the places in the request that are at fault' }),
  })
  .openapi('Problem')

/** A JSON answer in a route's `responses`; the example is checked against what the Worker answers. */
export function answer<Schema extends z.ZodType>(
  description: string,
  schema: Schema,
  example: z.input<Schema>,
): {
  description: string
  content: { 'application/json': { schema: Schema; example: z.input<Schema> } }
} {
  return { description, content: { 'application/json': { schema, example } } }
}

/** A JSON body in a route's `request`, with one named example or more; each is sent by a test. */
export function body<Schema extends z.ZodType>(
  schema: Schema,
  examples: Readonly<Record<string, z.input<Schema>>>,
): {
  required: true
  content: {
    'application/json': { schema: Schema; examples: Record<string, { value: z.input<Schema> }> }
  }
} {
  const named = Object.entries(examples).map(([name, value]) => [name, { value }])
  return {
    required: true,
    content: { 'application/json': { schema, examples: Object.fromEntries(named) } },
  }
}

/** The answer where nothing is left to show. */
export const DONE = { description: 'done' }

/** An error that a route answers on purpose, in its `responses`. */
export function refusal(description: string): {
  description: string
  content: { 'application/problem+json': { schema: typeof problemSchema } }
} {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } }
}

/** The same response with the address of the thing that was made. */
export function located<Response extends object>(response: Response) {
  return {
    ...response,
    headers: { Location: { description: 'its address', schema: { type: 'string' as const } } },
  }
}

export const deviceId = idText.openapi({
  param: { name: 'id', in: 'path' },
  description: 'UDID, EnrollmentID, UDID:UserID, or the bare UserID of a user channel',
  example: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
})

/** An empty one is a variable that is not set, and the request would not be known again. */
export const keyText = z.string().min(1, 'is empty: leave the header out, or send a key').max(255)

/** Says who queues, where the key alone does not. */
export const actor = z.string().optional().openapi({
  description:
    'a name for the person or program that asks, up to 100 printable characters; `queued_by` shows it',
})

export const time = z.iso.datetime()

/** Answers have no empty texts: what is not there is null. */
export function textOrNull(text: string): string | null {
  return text === '' ? null : text
}

/** Milliseconds as a time, in one form everywhere. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}

/** The same; 0 stands for never. */
export function atOrNull(ms: number): string | null {
  return ms === 0 ? null : iso(ms)
}

/** Escapes that cannot be read would become part of an id as they are. */
export const readablePath: MiddlewareHandler<AppEnv> = async (c, next) => {
  try {
    decodeURIComponent(new URL(c.req.url).pathname)
  } catch {
    return problem(
      400,
      'the path has an escape that is no UTF-8: a % that is part of an id is written as %25',
    )
  }
  return next()
}

/** What reads a body walks down into it: nothing that a client means is as deep. */
const MAX_DEPTH = 200
const QUOTE = 0x22
const BACKSLASH = 0x5c

function isTooDeep(json: Uint8Array): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < json.length && depth <= MAX_DEPTH; at++) {
    const byte = json[at]
    if (inString) {
      at += Number(byte === BACKSLASH)
      inString = byte !== QUOTE
    } else if (byte === QUOTE) {
      inString = true
    } else if (byte === 0x5b || byte === 0x7b) {
      depth += 1
    } else if (byte === 0x5d || byte === 0x7d) {
      depth -= 1
    }
  }
  return depth > MAX_DEPTH
}

/** Their handlers read no body: a DELETE with a filter in it would do more than was meant. */
const BODILESS = new Set(['GET', 'HEAD', 'DELETE'])
const NO_BODY = 'takes no body: leave it out, and say in path and query what is meant'

/** The same for a POST that says all by its path: a release with ids in it would release all. */
const emptyBody: MiddlewareHandler<AppEnv> = async (c, next) => {
  const text = c.req.raw.body === null ? '' : (await c.req.text()).trim()
  return text === '' || text === '{}' ? next() : problem(400, `this call ${NO_BODY}`)
}

/**
 * Bodies are bounded as everywhere, and JSON whatever they are called: curl's `-d` says form, and MicroMDM's
 * clients say anything.
 */
export const boundedJson: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.raw.body !== null) {
    const bytes = await readBody(c.req.raw).catch(() => null)
    if (bytes === null) {
      return problem(400, 'the body broke off: send it whole, and its length or chunks as they are')
    }
    if (bytes === undefined) {
      return problem('body_too_large', 'the body is longer than 20 MB')
    }
    if (BODILESS.has(c.req.method)) {
      return bytes.length === 0 ? next() : problem(400, `${c.req.method} ${NO_BODY}`)
    }
    if (!isUtf8(bytes)) {
      return problem(400, 'the body is no UTF-8, and other bytes would be sent as U+FFFD')
    }
    if (isTooDeep(bytes)) {
      return problem(400, `the body is nested more than ${MAX_DEPTH} levels deep`)
    }
    const headers = new Headers(c.req.raw.headers)
    headers.set('content-type', 'application/json')
    c.req.raw = new Request(c.req.raw.url, { method: c.req.method, headers, body: bytes })
  }
  return next()
}
