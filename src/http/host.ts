import type { Context } from 'hono'
import { configOf } from '../config/config.ts'
import { warn } from '../log.ts'
import type { AppEnv } from './app-env.ts'
import { loggedPath } from './caller.ts'
import { errorResponse } from './errors.ts'

/** The address of this server as clients see it, without a slash at the end. */
export function baseUrl(c: Context<AppEnv>): string {
  return c.var.config.publicUrl || new URL(c.req.url).origin
}

/** The same while the settings are not complete. */
export function ownOrigin({ env, req }: Context<AppEnv>): string {
  const result = configOf(env)
  const { publicUrl } = result.ok ? result.config : result
  return publicUrl || new URL(req.url).origin
}

/** RFC 9110 §7.2, without the characters that no host name or address in use has. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d*)?$/i
const TEXT =
  'the Host header or the path is not valid: send the name or address of this server, its port if it has ' +
  'one, and a path that begins with /'

/** The last valid one: nearly all requests have the same. */
let known = ''

/**
 * Refuses a request with an invalid Host header. The runtime puts the header into the request's URL
 * unchecked: with `a b` no parser reads the URL, and with `a/b` its path is another one. The fault is the
 * sender's, on device routes too.
 */
export function refuseHost(c: Context<AppEnv>): Response | undefined {
  const host = c.req.header('host')
  if (host === known || ((host === undefined || HOST.test(host)) && URL.canParse(c.req.url))) {
    known = host ?? known
    return undefined
  }
  const { path } = c.req
  warn('http:invalid-host', { path: loggedPath(path), host: host?.slice(0, 100) })
  return errorResponse(path, 400, TEXT)
}
