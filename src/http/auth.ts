import type { Context, MiddlewareHandler } from 'hono'
import type { AppEnv } from './app-env.ts'
import { addressOf, networkOf } from './caller.ts'
import { errorJson } from './error-json.ts'
import { sameSecret } from '../same-secret.ts'
import { problem, speaksProblems } from './problem.ts'
import { slowDown } from './wrong-keys.ts'

type AdminContext = Context<AppEnv>

const FOREIGN =
  'a browser says in Sec-Fetch-Site or Origin that a page of another site sent this request, so nothing was done: send it from a program, without these headers. If the page is one of this server, set PUBLIC_URL to the address that the browser shows'
const NOT_STORED = { 'cache-control': 'no-store' }
const LATER = { ...NOT_STORED, 'retry-after': '60' }
const TOO_MANY =
  'the API key is wrong, and too many wrong ones came from this address: the right one is taken at once'
const HOW = 'send the API key: as the password of the user micromdm (Basic), or as a Bearer token'
/** MicroMDM's first, for a client that reads only one (RFC 9110 §11.6.1). */
const CHALLENGE = {
  ...NOT_STORED,
  'www-authenticate': 'Basic realm="micromdm", Bearer realm="micromdm"',
}
/** A scheme's name has no case (RFC 9110 §11.1). */
const CREDENTIALS = /^(basic|bearer) +(\S+)$/i

/**
 * The gate of all admin routes, before the body is read. A request of another site's page is refused, with the key too:
 * a browser may have added it. Everything else needs the API key: as the password of the user `micromdm` (HTTP Basic), as
 * MicroMDM's clients send it, or as a Bearer token. Only wrong keys are slowed.
 */
export const adminAuth: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (isForeign(c)) {
    return speaksProblems(c.req.path)
      ? problem('cross_site', FOREIGN, { headers: NOT_STORED })
      : errorJson(FOREIGN, 403, NOT_STORED)
  }
  const [, scheme = '', sent = ''] = CREDENTIALS.exec(c.req.header('authorization') ?? '') ?? []
  const { apiKey } = c.var.config
  const isBearer = scheme.toLowerCase() === 'bearer'
  const expected = isBearer ? apiKey : Buffer.from(`micromdm:${apiKey}`).toString('base64')
  if (!sameSecret(sent, expected)) {
    if (sent !== '' && !(await slowDown(networkOf(addressOf(c))))) {
      return speaksProblems(c.req.path)
        ? problem('too_many_wrong_keys', TOO_MANY, { headers: LATER })
        : errorJson(TOO_MANY, 429, LATER)
    }
    const headers = isBrowser(c) ? NOT_STORED : CHALLENGE
    return speaksProblems(c.req.path)
      ? problem('unauthorized', HOW, { headers })
      : errorJson('Unauthorized', 401, headers)
  }
  await next()
  c.header('cache-control', 'no-store')
  return undefined
}

/** Browsers add these headers themselves, and no page can change them (Fetch Metadata Request Headers; RFC 6454 §7.3). */
function isForeign({ req, var: { config } }: AdminContext): boolean {
  const site = req.header('sec-fetch-site')
  const origin = req.header('origin')
  // `none`: the user typed the address, or followed it from another program.
  const ownSite =
    site === undefined ||
    site === 'same-origin' ||
    (site === 'none' && /^(GET|HEAD)$/.test(req.method))
  // Behind a proxy that ends TLS the request's URL has http, and the browser's origin https: PUBLIC_URL has it too.
  const ownOrigin =
    origin === undefined || [config.publicUrl, new URL(req.url).origin].includes(origin)
  return !ownSite || !ownOrigin
}

/**
 * RFC 9110 §15.5.2 wants a challenge in each 401. A browser that reads one asks for the key, keeps it for the origin, and
 * adds it to the requests of other sites' pages: it gets none. Over plain http, only navigations show a browser.
 */
function isBrowser({ req }: AdminContext): boolean {
  return [req.header('sec-fetch-site'), req.header('upgrade-insecure-requests')].some(
    (sent) => sent !== undefined,
  )
}
