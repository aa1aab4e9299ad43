import { problemOfId } from '../../device/reach.ts'
import type { DeviceFilter } from '../../directory/search.ts'
import { targetsOf } from '../../directory/targets.ts'

/** Whom a bulk call means, in the order in which they were named, each once. */
export interface Targets {
  readonly ids: readonly string[]
  /** Places in `ids` that lead nowhere, and why. One bad id never fails the rest. */
  readonly faults: ReadonlyMap<number, string>
}

/** As much of a bad id as is kept. */
const SHOWN = 512

/** Ids as a client listed them, which may be anything. An id that nobody knows yet is good: what is queued for it waits. */
export function targetsNamed(listed: readonly unknown[]): Targets {
  const problems = new Map<string, string | undefined>()
  for (const id of listed) {
    if (typeof id === 'string') {
      problems.set(id.slice(0, SHOWN), problemOfId(id))
    } else {
      const shown = JSON.stringify(id).slice(0, SHOWN)
      problems.set(shown, problems.get(shown) ?? 'not an enrolment id: not a string')
    }
  }
  return asTargets(problems)
}

/** The enrolled devices that a filter means; serial numbers among it that no enrolled device has are faults. */
export async function targetsMeant(d1: D1Database, filter: DeviceFilter): Promise<Targets> {
  const found = await targetsOf(d1, filter)
  const problems = new Map<string, string | undefined>(found.map(({ id }) => [id, undefined]))
  const serials = new Set(found.map(({ serialNumber }) => serialNumber))
  for (const serial of filter.serials) {
    if (!serials.has(serial)) {
      problems.set(
        serial.slice(0, SHOWN),
        'no enrolled device of the filter has this serial number',
      )
    }
  }
  return asTargets(problems)
}

function asTargets(problems: ReadonlyMap<string, string | undefined>): Targets {
  const faults = new Map<number, string>()
  for (const [place, problem] of [...problems.values()].entries()) {
    if (problem !== undefined) {
      faults.set(place, problem)
    }
  }
  return { ids: [...problems.keys()], faults }
}
