import { randomBytes } from 'node:crypto'
import type { Context } from 'hono'
import type { Env } from '../env.ts'
import type { AppEnv } from './app-env.ts'

/**
 * The address of a request's sender, from a header that Cloudflare sets and no sender can; empty if it is not
 * known. Under `npm start` the runtime has no address, and a sender can set the header.
 */
export function addressOf({ req, env }: Context<AppEnv>): string {
  return env.PUSH_KEEPER ? '' : (req.header('cf-connecting-ip') ?? '')
}

/** Cloudflare's id of a request, with its data centre. */
const RAY = /^[\da-f]{16}(-[A-Z]{3})?$/

/**
 * A request's id: that of Cloudflare, which its dashboard shows too, from a header that no sender can set.
 * Under `npm start` a sender can set the header, and the id is random.
 */
export function idOf({ headers }: Request, env: Pick<Env, 'PUSH_KEEPER'>): string {
  const ray = headers.get('cf-ray') ?? ''
  return !env.PUSH_KEEPER && RAY.test(ray) ? ray : randomBytes(6).toString('hex')
}

/** A path for the log: the UserID in an enrolment id may be a person's name. */
export function loggedPath(path: string): string {
  return path.replaceAll(/(:|%3A)[^/]*/gi, '$1…')
}

/** What is stored of a sender's address: an IPv4 address without its last part; empty if it is not known. */
export function coarseNetworkOf(c: Context<AppEnv>): string {
  return networkOf(addressOf(c)).replace(/^(\d+\.\d+\.\d+)\.\d+$/, '$1.0/24')
}

/** The sender's network, and for IPv6 the largest that one customer gets (RFC 6177 §2). */
export function siteOf(address: string): string {
  return networkOf(address).replace(/:[^:]+::\/64$/, '::/48')
}

/** The sender's network. All addresses of an IPv6 network of /64 belong to one customer. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=[\d.]+$)/i, '')
  const url = `http://[${plain}]/`
  if (!URL.canParse(url)) {
    return plain
  }
  // The URL parser writes each group in one form, and leaves out the longest run of zeros.
  const [head = '', tail] = new URL(url).hostname.slice(1, -1).split('::')
  const groups = head === '' ? [] : head.split(':')
  const left = tail === undefined ? 0 : 4 - groups.length
  const zeros = Array.from({ length: Math.max(left, 0) }, () => '0')
  return `${[...groups, ...zeros].slice(0, 4).join(':')}::/64`
}
