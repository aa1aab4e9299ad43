import { clock, wait } from '../clock.ts'
import { warn } from '../log.ts'

/** In so long, so many wrong keys of a network are answered at once: a script with an old key shall show its error. */
const WINDOW = 60_000
const AT_ONCE = 20
/** After that an answer takes so long. So many wait at a time, of a network and of all. */
const SLOW = 1000
const MAX_WAITING = 4
const MAX_WAITING_OF_ALL = 100
const MAX_NETWORKS = 10_000

interface Tries {
  readonly since: number
  readonly count: number
}

/** Of this isolate; the network that tried last at the end. */
const networks = new Map<string, Tries>()
/** When answers that wait leave: the runtime may end a request where it stands, so that they are counted by time. */
let waiting: readonly { readonly network: string; readonly until: number }[] = []

/**
 * Counts a wrong key, tells of a network's first in the log, and takes its time when there are many.
 * @returns whether to say that it is wrong; otherwise there are too many.
 */
export async function slowDown(network: string): Promise<boolean> {
  const now = clock.now()
  if (count(network, now) <= AT_ONCE) {
    return true
  }
  waiting = waiting.filter(({ until }) => until > now)
  const own = waiting.filter((other) => other.network === network)
  if (own.length >= MAX_WAITING || waiting.length >= MAX_WAITING_OF_ALL) {
    return false
  }
  waiting = [...waiting, { network, until: now + SLOW }]
  await wait(SLOW)
  return true
}

function count(network: string, now: number): number {
  const known = networks.get(network)
  const isOver = known === undefined || now - known.since >= WINDOW
  const tries = isOver ? { since: now, count: 1 } : { ...known, count: known.count + 1 }
  if (isOver) {
    warn('auth:wrong-key', { from: network, before: known?.count })
  }
  networks.delete(network)
  networks.set(network, tries)
  const [oldest] = networks.keys()
  if (networks.size > MAX_NETWORKS && oldest !== undefined) {
    networks.delete(oldest)
  }
  return tries.count
}
