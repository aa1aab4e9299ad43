import { clock, inTime } from '../clock.ts'
import { countFailing } from '../directory/declarations/states.ts'
import { countFleet, type FleetGroup } from '../directory/devices/overview.ts'
import type { Env } from '../env.ts'
import { warn } from '../log.ts'
import { reasonOf } from '../reason.ts'

export interface FleetCount {
  /** Milliseconds. */
  readonly at: number
  readonly groups: readonly FleetGroup[]
  /** Channels on which a declaration failed. */
  readonly failing: number
}

/** So many milliseconds are numbers kept for each device that was counted: 30 s for 10,000 devices. */
const KEPT_FOR_EACH = 3

/** A person waits for the rest of the answer. */
const PATIENCE = 5000

const memory = new WeakMap<Env, FleetCount>()

/**
 * The numbers of the fleet. Each count reads the row of each device. It is kept the longer the more there
 * were, so that an isolate reads at most 333 rows a second, however many people look: 100,000 devices are
 * counted each 5 minutes. An empty list is read each time: its reader waits for the first device.
 *
 * @returns `undefined` while the list does not answer: a check of the server finds that too
 */
export async function fleetNumbers(env: Env): Promise<FleetCount | undefined> {
  const now = clock.now()
  const before = memory.get(env)
  if (before && now - before.at < keptFor(before)) {
    return before
  }
  try {
    const counts = Promise.all([countFleet(env.DB, now), countFailing(env.DB)])
    const [groups, failing] = await inTime(PATIENCE, counts)
    const count = { at: now, groups, failing }
    memory.set(env, count)
    return count
  } catch (error) {
    warn('health:not-gathered', { reason: reasonOf(error) })
    return undefined
  }
}

function keptFor({ groups }: FleetCount): number {
  const devices = groups.filter(({ version }) => version === null).map(({ known }) => known)
  return devices.reduce((all, known) => all + known, 0) * KEPT_FOR_EACH
}
