import { clock } from '../../../clock.ts'
import {
  countAllStates,
  type StateCount,
  type StateNumbers,
} from '../../../directory/declarations/states.ts'
import type { Env } from '../../../env.ts'
import type { StateCountsJson } from './schema.ts'

/** So many milliseconds is a count kept for each state that was counted, up to a limit. */
const KEPT_FOR_EACH = 3
const KEPT_AT_MOST = 300_000
/** A request that has not counted within this time has failed. */
const TURN = 60_000

type Directory = Pick<Env, 'DB'>

interface AllCounts {
  /** Milliseconds. A request that counts anew moves it. */
  until: number
  readonly states: ReadonlyMap<string, StateNumbers>
}

const memory = new WeakMap<Directory, AllCounts>()
const NONE: StateNumbers = { applied: 0, pending: 0, failed: 0, inactive: 0, withheld: 0 }

/**
 * How many channels have a declaration in each state. Each count reads a row for each declaration on each
 * channel, so it is kept the longer the more there were.
 *
 * @returns the counts of an identifier
 */
export async function stateCountsOf(
  env: Directory,
): Promise<(identifier: string) => StateCountsJson> {
  const now = clock.now()
  let counts = memory.get(env)
  if (!counts || now >= counts.until) {
    // D1 counts two million states for seconds: other requests take the counts before, meanwhile.
    if (counts) {
      counts.until = now + TURN
    }
    counts = await count(env, now)
    memory.set(env, counts)
  }
  const { states } = counts
  return (identifier) => states.get(identifier) ?? NONE
}

async function count(env: Directory, now: number): Promise<AllCounts> {
  const rows = await countAllStates(env.DB)
  const states = new Map(rows.map(({ identifier, ...numbers }) => [identifier, numbers]))
  const all = [...states.values()].flatMap((numbers) => Object.values(numbers))
  const sum = all.reduce((before, number) => before + number, 0)
  return { until: now + Math.min(sum * KEPT_FOR_EACH, KEPT_AT_MOST), states }
}

export function sumOfStates(
  counts: readonly Pick<StateCount, 'state' | 'count'>[],
): StateCountsJson {
  const states = { ...NONE }
  for (const one of counts) {
    states[one.state] += one.count
  }
  return states
}
