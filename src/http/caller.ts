import { randomBytes } from 'node:crypto'
import type { Context } from 'hono'
import type { Env } from '../env.ts'
import type { AppEnv } from './app-env.ts'

/**
 * The address of a request's sender, as Cloudflare writes it into a header that no sender can set; empty where it is not
 * known. Under `npm start` the runtime tells no address, and the header is the sender's own word.
 */
export function addressOf({ req, env }: Context<AppEnv>): string {
  return env.PUSH_KEEPER ? '' : (req.header('cf-connecting-ip') ?? '')
}

/** Cloudflare's id of a request, with the data centre that took it. */
const RAY = /^[\da-f]{16}(-[A-Z]{3})?$/

/**
 * A request's id: Cloudflare's own, by which its dashboard finds it too, in a header that no sender can set. Under `npm start`
 * the header is the sender's word, and the id is random.
 */
export function idOf({ headers }: Request, env: Pick<Env, 'PUSH_KEEPER'>): string {
  const ray = headers.get('cf-ray') ?? ''
  return !env.PUSH_KEEPER && RAY.test(ray) ? ray : randomBytes(6).toString('hex')
}

/** A path for the log: the UserID in an enrolment id may be a person's name. */
export function loggedPath(path: string): string {
  return path.replaceAll(/(:|%3A)[^/]*/gi, '$1…')
}

/** Where the sender is: all addresses of an IPv6 network of /64 are one customer's. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=[\d.]+$)/i, '')
  const url = `http://[${plain}]/`
  if (!URL.canParse(url)) {
    return plain
  }
  // The URL parser writes each group in one way, and leaves out the longest run of zeros.
  const [head = '', tail] = new URL(url).hostname.slice(1, -1).split('::')
  const groups = head === '' ? [] : head.split(':')
  const left = tail === undefined ? 0 : 4 - groups.length
  const zeros = Array.from({ length: Math.max(left, 0) }, () => '0')
  return `${[...groups, ...zeros].slice(0, 4).join(':')}::/64`
}
