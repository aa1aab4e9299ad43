import type { z } from '@hono/zod-openapi'
import { contestedSerials } from '../../../directory/devices/serials.ts'
import { targetsOf } from '../../../directory/devices/targets.ts'
import { faultOfId } from '../../../mdm/enrollment.ts'
import { AdminError } from '../../admin-error.ts'
import { type deviceFilter, filterOf, MAX_TARGETS } from '../device-filter.ts'

/** So many are done within the call: each may take two calls of the fifty that the free plan allows. */
export const SMALL = 20

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

/** The devices that a filter means, enrolled ones unless it says otherwise; serial numbers among it that lead to none are faults. */
export async function targetsMeant(
  d1: D1Database,
  words: z.output<typeof deviceFilter>,
): Promise<Targets> {
  const { serial_number: serials = [] } = words
  const found = await targetsOf(d1, filterOf({ state: ['enrolled'], ...words }))
  const known = new Set(found.map(({ serialNumber }) => serialNumber))
  const missing = [...new Set(serials)].filter((serial) => !known.has(serial))
  const contested = await contestedSerials(d1, missing)
  return asTargets([
    ...found.map(({ id }) => ({ id, fault: undefined })),
    ...missing.map((id) => ({
      id,
      fault: contested.get(id) ?? 'no device of the filter has this serial number',
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

/** @throws AdminError for nobody, and for more than one call may mean */
export function checkNumber({ ids }: Targets): void {
  if (ids.length === 0) {
    throw new AdminError(
      'no device is meant: the list is empty, or no enrolled device fits',
      'no_targets',
    )
  }
  if (ids.length > MAX_TARGETS) {
    throw new AdminError(
      `${ids.length} devices: at most ${MAX_TARGETS} in one call, so name fewer by a filter`,
      'too_many_targets',
    )
  }
}
