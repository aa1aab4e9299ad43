import type { MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { Caller } from '../../keys/caller.ts'
import type { AuditEntry } from '../../keys/audit-row.ts'
import { inBackground } from '../../guard.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { addressOf, networkOf } from '../caller.ts'
import { errorResponse } from '../errors.ts'
import { isOwnPath } from '../problem.ts'
import { auditAfter, auditFirst } from './audited.ts'
import { noteFailure } from './failures.ts'
import { isForeign } from './foreign.ts'
import { noteUse } from './note-use.ts'
import { callerOfCookie, callerOfSentKey, sentKey } from './identify.ts'
import { requireScope } from './require-scope.ts'
import { rightOf, type RouteRight } from './rights/table.ts'
import { readSessionCookie } from './session-cookie.ts'
import { slowDown } from './wrong-keys.ts'

const FOREIGN =
  'Sec-Fetch-Site or Origin says that a page of another site sent this request, so the server did nothing: ' +
  'send it from a program, without these headers. If the page is one of this server, set PUBLIC_URL to the ' +
  'address that the browser shows'
/** The console sends it with each request. A page of another site cannot: no answer allows it by CORS. */
const CONSOLE = 'x-edgemdm'
const NOT_STORED = { 'cache-control': 'no-store' }
const LATER = { ...NOT_STORED, 'retry-after': '60' }
const TOO_MANY =
  'the API key is wrong, and too many wrong keys came from this address: the right key is accepted at once'
const HOW = 'send the API key: as the password of the user micromdm (Basic), or as a Bearer token'

type RequestRight = RouteRight & { readonly path: string }

/**
 * The gate of the admin routes of one face, before the body is read. A request from a page of another site
 * is refused even with the key, because a browser may have added it. All other requests need an API key: as
 * the password of one of the face's users (HTTP Basic), as its clients send it, or as a Bearer token; or a
 * session of the console. Only wrong keys are slowed down. Then the key needs the scope of the route, and the
 * audit gets what the request changes or reveals (rights/table.ts).
 */
function gateOf(
  via: AuditEntry['via'],
  ...users: readonly [string, ...string[]]
): MiddlewareHandler<AppEnv> {
  const [realm] = users
  // The clients' own challenge is first, for a client that reads only one (RFC 9110 §11.6.1).
  const challenge = `Basic realm="${realm}", Bearer realm="${realm}"`
  return async (c, next) => {
    const { path } = c.req
    if (isForeign(c, c.var.config.publicUrl)) {
      return errorResponse(path, 'cross_site', FOREIGN, NOT_STORED)
    }
    const sent = sentKey(c, users)
    const right = rightOfRequest(c)
    const ofAdmins = right?.needed === 'admin' || right?.needed === 'all'
    const asked = { fresh: ofAdmins || right?.audited?.action === 'key.roll' }
    const caller =
      sent === undefined ? await signedIn(c, asked) : await callerOfSentKey(c, sent, asked)
    if (!caller) {
      if (sent !== undefined) {
        const network = networkOf(addressOf(c))
        noteFailure(c, network)
        if (!(await slowDown(network))) {
          return errorResponse(path, 'too_many_wrong_keys', TOO_MANY, LATER)
        }
      }
      const text = isOwnPath(path) ? HOW : 'Unauthorized'
      const headers = { ...NOT_STORED, 'www-authenticate': challenge }
      return errorResponse(path, 'unauthorized', text, isBrowser(c) ? NOT_STORED : headers)
    }
    c.set('caller', caller)
    noteUse(c, caller)
    await pass(c, right, via, next)
    c.header('cache-control', 'no-store')
    return undefined
  }
}

/** The gate of MicroMDM's API. */
export const micromdmAuth = gateOf('micromdm', 'micromdm')

/** The gate of our own API. */
export const ownAuth = gateOf('api', 'micromdm')

/** The gate of the console. */
export const consoleAuth = gateOf('console', 'micromdm')

/** The gate of NanoMDM's routes. */
export const nanomdmAuth = gateOf('nanomdm', 'nanomdm')

/** The gate of KMFDDM's API. NanoHUB has the same API with its own user. */
export const kmfddmAuth = gateOf('kmfddm', 'kmfddm', 'nanohub')

/** A session of the console is good for our own API alone. A page of another site cannot send the header. */
async function signedIn(
  c: AppContext,
  asked: { readonly fresh: boolean },
): Promise<Caller | undefined> {
  const cookie = isOwnPath(c.req.path) ? readSessionCookie(c) : undefined
  const isRead = /^(GET|HEAD)$/.test(c.req.method)
  return cookie !== undefined && (isRead || c.req.header(CONSOLE) === 'console')
    ? callerOfCookie(c, cookie, asked)
    : undefined
}

async function pass(
  c: AppContext,
  right: RequestRight | undefined,
  via: AuditEntry['via'],
  next: () => Promise<void>,
): Promise<void> {
  if (!right) {
    // No such route, or not with this method: the answer says so.
    await next()
    return
  }
  requireScope(c, right.needed)
  if (right.audited) {
    c.set('deed', {
      ...right.audited,
      via,
      target: targetOf(c, right.path),
      detail: {},
      isWritten: false,
      isTrial: false,
    })
    // A body that gives the reason comes before the row (readerOf).
    const givesReason = isOwnPath(c.req.path) && c.req.method === 'POST'
    if (right.needed === 'destructive' || (right.needed === 'secrets' && !givesReason)) {
      await auditFirst(c)
    }
  }
  const done = next().then(() => auditAfter(c))
  if (right.audited) {
    // Without it, the runtime ends the request when its sender leaves: the deed would have no row.
    inBackground(c.executionCtx, done)
  }
  await done
}

/** What the request's own route needs. Hono runs the first route that is no middleware. */
function rightOfRequest(c: AppContext): RequestRight | undefined {
  const route = matchedRoutes(c).find(({ method }) => method !== 'ALL')
  const right = route && rightOf(route.method, route.path)
  return route && right && { ...right, path: route.path }
}

/**
 * What the request is about: the first parameter of the path, and the segment before it as the type. A route
 * with its id elsewhere says so itself.
 */
function targetOf(c: AppContext, routePath: string): AuditEntry['target'] {
  const names = routePath.split('/')
  const at = names.findIndex((name) => name.startsWith(':'))
  const id = c.req.path.split('/')[at]
  const type = names[at - 1]?.replace(/s$/, '').replaceAll('-', '_')
  return at < 0 || id === undefined || type === undefined ? undefined : { type, id: decoded(id) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * RFC 9110 §15.5.2 requires a challenge in each 401, but a browser gets none: it would ask for the key, keep
 * it for the origin, and add it to the requests of other sites' pages. Over plain http, only navigations show
 * that it is a browser.
 */
function isBrowser({ req }: AppContext): boolean {
  return ['sec-fetch-site', 'upgrade-insecure-requests', CONSOLE].some(
    (name) => req.header(name) !== undefined,
  )
}
