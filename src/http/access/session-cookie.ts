import { isLoopback } from '../../config/values.ts'
import type { AppContext } from '../app-env.ts'
import { baseUrl } from '../host.ts'

/** A browser keeps a cookie with this prefix only from https, for this host alone (RFC 6265bis §4.1.3). */
const SECURE = '__Host-edgemdm'
/** Over http on this machine, where Safari refuses a secure cookie. */
const LOCAL = 'edgemdm'
/** 32 random bytes. */
const VALUE = /^[\w-]{43}$/
const MAX_COOKIES = 100
const FLAGS = 'Path=/; HttpOnly; SameSite=Strict'

/** The session that a browser sends; `undefined` without one. */
export function readSessionCookie(c: AppContext): string | undefined {
  const name = cookieName(c)
  const pairs = c.req.header('cookie')?.split(/; */, MAX_COOKIES) ?? []
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
  return value !== undefined && VALUE.test(value) ? value : undefined
}

/** The header that gives a browser a session for so many seconds; 0 takes it away. */
export function sessionCookie(c: AppContext, value: string, seconds: number): string {
  const name = cookieName(c)
  return `${name}=${value}; Max-Age=${seconds}; ${FLAGS}${name === SECURE ? '; Secure' : ''}`
}

/** Whether a browser may have a session: over https, or on this machine. */
export function mayHaveSession(c: AppContext): boolean {
  return cookieName(c) === SECURE || isLoopback(new URL(c.req.url).hostname)
}

/** Behind a proxy that ends TLS, PUBLIC_URL alone has https. */
function cookieName(c: AppContext): string {
  const { protocol, hostname } = new URL(c.req.url)
  const isSecure =
    protocol === 'https:' || (!isLoopback(hostname) && baseUrl(c).startsWith('https:'))
  return isSecure ? SECURE : LOCAL
}
