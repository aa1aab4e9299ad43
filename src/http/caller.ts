import type { Context } from 'hono'
import type { AppEnv } from './app-env.ts'

/**
 * The address of a request's sender, as Cloudflare writes it into a header that no sender can set; empty where it is not
 * known. Under `npm start` the runtime tells no address, and the header is the sender's own word.
 */
export function addressOf({ req, env }: Context<AppEnv>): string {
  return env.PUSH_KEEPER ? '' : (req.header('cf-connecting-ip') ?? '')
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
