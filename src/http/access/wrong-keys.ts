import { clock, wait } from '../../clock.ts'
import { count as countFigure } from '../../figures/count.ts'
import { warn } from '../../log.ts'

/** In this time, so many wrong keys of a network are answered at once: a script sees its error. */
const WINDOW = 60_000
const AT_ONCE = 20
/** Further answers take this long. The number of answers that wait is limited, for a network and in all. */
const SLOW = 1000
const MAX_WAITING = 4
const MAX_WAITING_OF_ALL = 100
const MAX_NETWORKS = 10_000

interface Tries {
  readonly since: number
  readonly count: number
}

/**
 * Counts a wrong secret of a network, and delays the answer if there are many.
 * @returns false if there are too many: the answer then gives that as its reason
 */
export type SlowDown = (network: string) => Promise<boolean>

/**
 * @param atOnce how many a network may send in a minute before its answers wait
 * @param tell gets the first of a network, and how many it sent in the minute that is over
 */
export function slowingAfter(
  atOnce: number,
  tell: (network: string, before: number | undefined) => void,
): SlowDown {
  /** The networks that this isolate has seen; the one that tried last is at the end. */
  const networks = new Map<string, Tries>()
  /**
   * The answers that wait, and the time at which each wait ends: the runtime may end a request at any point.
   */
  let waiting: readonly { readonly network: string; readonly until: number }[] = []

  const count = (network: string, now: number): number => {
    const known = networks.get(network)
    const isOver = known === undefined || now - known.since >= WINDOW
    const tries = isOver ? { since: now, count: 1 } : { ...known, count: known.count + 1 }
    if (isOver) {
      tell(network, known?.count)
    }
    networks.delete(network)
    networks.set(network, tries)
    const [oldest] = networks.keys()
    if (networks.size > MAX_NETWORKS && oldest !== undefined) {
      networks.delete(oldest)
    }
    return tries.count
  }

  return async (network) => {
    const now = clock.now()
    if (count(network, now) <= atOnce) {
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
}

const slowWrongKeys = slowingAfter(AT_ONCE, (from, before) => {
  warn('auth:wrong-key', { from, before })
})

/** {@link SlowDown} for wrong API keys. */
export async function slowDown(network: string): Promise<boolean> {
  countFigure('auth_failures_total')
  return slowWrongKeys(network)
}
