import type { Context, MiddlewareHandler } from 'hono'
import type { AppEnv } from './app-env.ts'
import { addressOf, networkOf } from './caller.ts'
import { errorResponse } from './errors.ts'
import { sameSecret } from '../same-secret.ts'
import { isOwnPath } from './problem.ts'
import { slowDown } from './wrong-keys.ts'

type AdminContext = Context<AppEnv>

const FOREIGN =
  'Sec-Fetch-Site or Origin says that a page of another site sent this request, so the server did nothing: ' +
  'send it from a program, without these headers. If the page is one of this server, set PUBLIC_URL to the ' +
  'address that the browser shows'
const NOT_STORED = { 'cache-control': 'no-store' }
const LATER = { ...NOT_STORED, 'retry-after': '60' }
const TOO_MANY =
  'the API key is wrong, and too many wrong keys came from this address: the right key is accepted at once'
const HOW = 'send the API key: as the password of the user micromdm (Basic), or as a Bearer token'
/** The name of a scheme is case-insensitive (RFC 9110 §11.1). */
const CREDENTIALS = /^(basic|bearer) +(\S+)$/i

/**
 * The gate of the admin routes of one face, before the body is read. A request from a page of another site is
 * refused even with the key, because a browser may have added it. All other requests need the API key: as the
 * password of one of the face's users (HTTP Basic), as its clients send it, or as a Bearer token. Only wrong
 * keys are slowed down.
 */
function gateOf(...users: readonly [string, ...string[]]): MiddlewareHandler<AppEnv> {
  const [realm] = users
  // The clients' own challenge is first, for a client that reads only one (RFC 9110 §11.6.1).
  const challenge = `Basic realm="${realm}", Bearer realm="${realm}"`
  return async (c, next) => {
    const { path } = c.req
    if (isForeign(c)) {
      return errorResponse(path, 'cross_site', FOREIGN, NOT_STORED)
    }
    const [, scheme = '', sent = ''] = CREDENTIALS.exec(c.req.header('authorization') ?? '') ?? []
    const { apiKey } = c.var.config
    const isBearer = scheme.toLowerCase() === 'bearer'
    const expected = isBearer
      ? [apiKey]
      : users.map((user) => Buffer.from(`${user}:${apiKey}`).toString('base64'))
    if (!expected.some((secret) => sameSecret(sent, secret))) {
      if (sent !== '' && !(await slowDown(networkOf(addressOf(c))))) {
        return errorResponse(path, 'too_many_wrong_keys', TOO_MANY, LATER)
      }
      const text = isOwnPath(path) ? HOW : 'Unauthorized'
      const headers = { ...NOT_STORED, 'www-authenticate': challenge }
      return errorResponse(path, 'unauthorized', text, isBrowser(c) ? NOT_STORED : headers)
    }
    await next()
    c.header('cache-control', 'no-store')
    return undefined
  }
}

/** The gate of MicroMDM's API and of our own. */
export const adminAuth = gateOf('micromdm')

/** The gate of NanoMDM's routes. */
export const nanomdmAuth = gateOf('nanomdm')

/** The gate of KMFDDM's API. NanoHUB has the same API with its own user. */
export const kmfddmAuth = gateOf('kmfddm', 'nanohub')

/** Browsers add these headers; no page can change them (Fetch Metadata Request Headers; RFC 6454 §7.3). */
function isForeign({ req, var: { config } }: AdminContext): boolean {
  const site = req.header('sec-fetch-site')
  const origin = req.header('origin')
  // `none`: the user typed the address, or opened it from another program.
  const ownSite =
    site === undefined ||
    site === 'same-origin' ||
    (site === 'none' && /^(GET|HEAD)$/.test(req.method))
  // Behind a proxy that ends TLS, the request has an http URL, while the origin of the browser and PUBLIC_URL
  // have https.
  const ownOrigin =
    origin === undefined || [config.publicUrl, new URL(req.url).origin].includes(origin)
  return !ownSite || !ownOrigin
}

/**
 * RFC 9110 §15.5.2 requires a challenge in each 401, but a browser gets none: it would ask for the key, keep
 * it for the origin, and add it to the requests of other sites' pages. Over plain http, only navigations show
 * that it is a browser.
 */
function isBrowser({ req }: AdminContext): boolean {
  return [req.header('sec-fetch-site'), req.header('upgrade-insecure-requests')].some(
    (sent) => sent !== undefined,
  )
}
