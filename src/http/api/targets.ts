import type { DeviceFilter } from '../../directory/search.ts'
import { targetsOf } from '../../directory/targets.ts'
import { faultOfId } from './device-id.ts'

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
  // 5 and "5" are two, of which one may be good.
  const named = new Map(listed.map((id) => [JSON.stringify(id), id]))
  return asTargets(
    [...named].map(([json, id]) =>
      typeof id === 'string'
        ? { id, fault: faultOfId(id) }
        : { id: json, fault: `not an enrolment id: ${kindOf(id)}, where text in quotes is due` },
    ),
  )
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : `of type ${typeof value}`
}

/** The enrolled devices that a filter means; serial numbers among it that no enrolled device has are faults. */
export async function targetsMeant(d1: D1Database, filter: DeviceFilter): Promise<Targets> {
  const found = await targetsOf(d1, filter)
  const serials = new Set(found.map(({ serialNumber }) => serialNumber))
  const missing = filter.serials.filter((serial) => !serials.has(serial))
  return asTargets([
    ...found.map(({ id }) => ({ id, fault: undefined })),
    ...[...new Set(missing)].map((id) => ({
      id,
      fault: 'no enrolled device of the filter has this serial number',
    })),
  ])
}

function asTargets(named: readonly { id: string; fault: string | undefined }[]): Targets {
  const faults = new Map<number, string>()
  for (const [place, { fault }] of named.entries()) {
    if (fault !== undefined) {
      faults.set(place, fault)
    }
  }
  return { ids: named.map(({ id }) => id.slice(0, SHOWN)), faults }
}
