import type { MiddlewareHandler } from 'hono'
import { isUtf8 } from 'node:buffer'
import type { AppEnv } from '../app-env.ts'
import { readBody } from '../body.ts'
import { problem } from '../problem.ts'

/** A path whose escapes are no UTF-8 is refused: they would become part of an id. */
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

/** Readers of a body recurse into it. No request of a client is as deep. */
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

/** Their handlers read no body: a filter in it would be ignored, and the call would do too much. */
export const BODILESS = new Set(['GET', 'HEAD', 'DELETE'])
const NO_BODY = 'takes no body: leave it out, and say in path and query what is meant'

/** Refuses a body that the handler does not read: a release with ids in it would release all commands. */
export const emptyBody: MiddlewareHandler<AppEnv> = async (c, next) => {
  const text = c.req.raw.body === null ? '' : (await c.req.text()).trim()
  return text === '' || text === '{}' ? next() : problem(400, `this call ${NO_BODY}`)
}

/** Its body is the file itself; its handler bounds it. */
const FILE = /^\/api\/(files|repo)\/[^/]+$/

/**
 * Bounds the body, and reads it as JSON, of any content type: curl's `-d` sends the type of a form,
 * and MicroMDM's clients send any.
 */
export const boundedJson: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.raw.body !== null && !(c.req.method === 'PUT' && FILE.test(c.req.path))) {
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
    if (bytes.length === 0) {
      headers.delete('content-type')
    } else {
      headers.set('content-type', 'application/json')
    }
    c.req.raw = new Request(c.req.raw.url, { method: c.req.method, headers, body: bytes })
  }
  return next()
}
