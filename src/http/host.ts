import type { Context } from 'hono'
import { warn } from '../log.ts'
import { loggedPath } from './caller.ts'
import type { AppEnv } from './app-env.ts'
import { errorResponse } from './errors.ts'

/** RFC 9110 §7.2, without the characters that no name or address in use has. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d*)?$/i
const TEXT =
  'the Host header or the path is not valid: send the name or address of this server, its port if it has one, and a path that begins with /'

/** The last one that was valid: nearly every request has the same. */
let known = ''

/**
 * The runtime puts the Host header into a request's URL as it came: `a b` makes a URL that nothing can read, and `a/b`
 * another path. That is the sender's fault, on device routes too.
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
