import { z } from '../zod.ts'
import { contestedSerials } from '../../../directory/devices/serials.ts'
import { targetsOf } from '../../../directory/devices/targets.ts'
import { faultOfId, splitEnrollmentId } from '../../../mdm/enrollment.ts'
import { RequestError } from '../../request-error.ts'
import { deviceFilter, filterOf, MAX_TARGETS } from '../device-filter.ts'

/** How many ids are done within the call: each may take two of the fifty calls that the free plan allows. */
export const SMALL = 20

/** How many devices a request leaves out: more are a filter. */
const MAX_EXCEPT = 1000

/** The parts of a request that name devices beside `ids`, and the pace of its job. */
export const targetFields = {
  filter: deviceFilter.optional(),
  all: z
    .boolean()
    .refine((all) => all, 'has to be true, or left out')
    .optional()
    .openapi({ enum: [true], description: 'every enrolled device' }),
  except: z.array(z.string()).max(MAX_EXCEPT).optional().openapi({
    description: 'ids that are left out, in any case; that of a device leaves out its users too',
  }),
  pace: z.int().min(1).max(1_000_000).optional().openapi({ description: 'devices a minute' }),
}

/** `ids` of a request that queues nothing, so that each has to be a text. */
export const idList = z.array(z.string()).min(1).max(MAX_TARGETS).optional().openapi({
  description: 'UDID, EnrollmentID, UDID:UserID or a bare UserID',
})

interface Named {
  readonly ids?: unknown
  readonly filter?: unknown
  readonly all?: unknown
}

export function isNamedOnce({ ids, filter, all }: Named): boolean {
  return [ids, filter, all].filter((one) => one !== undefined).length === 1
}
export const NAMED_ONCE = 'name the devices in one way: `ids`, `filter` or `all`'

/** The targets of a job, in the order of the request, each once. */
export interface Targets {
  readonly ids: readonly string[]
  /** Places in `ids` that lead nowhere, and why. One bad id never fails the rest. */
  readonly faults: ReadonlyMap<number, string>
}

type Words = z.output<typeof deviceFilter>

interface Wanted {
  readonly ids?: readonly unknown[] | undefined
  readonly filter?: Words | undefined
  readonly except?: readonly string[] | undefined
}

/** The targets of a request. @throws RequestError for no device, and for too many */
export async function findTargets(d1: D1Database, wanted: Wanted): Promise<Targets> {
  const targets = await countTargets(d1, wanted)
  checkNumber(targets)
  return targets
}

/** The same in any number. */
export function countTargets(
  d1: D1Database,
  { ids, filter = {}, except = [] }: Wanted,
): Promise<Targets> {
  const left = new Set(except.map((id) => id.toLowerCase()))
  const isMeant = (id: unknown) =>
    typeof id !== 'string' ||
    ![id, splitEnrollmentId(id).device].some((named) => left.has(named.toLowerCase()))
  return ids
    ? Promise.resolve(targetsNamed(ids.filter(isMeant)))
    : targetsMeant(d1, filter, isMeant)
}

/** How much of a bad id is kept. */
const SHOWN = 512

/**
 * The ids of a request, which may be any values. An unknown id is valid: its command waits for an enrolment.
 */
function targetsNamed(listed: readonly unknown[]): Targets {
  // 5 and "5" are two values: only the text can be an id.
  const named = new Map(listed.map((id) => [JSON.stringify(id), id]))
  return asTargets(
    [...named].map(([json, id]) =>
      typeof id === 'string'
        ? { id, fault: faultOfId(id) }
        : { id: json, fault: `not an enrolment id: ${typeName(id)}, where text in quotes is due` },
    ),
  )
}

function typeName(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : `of type ${typeof value}`
}

/**
 * The devices of a filter, enrolled ones unless it has a `state`. A serial number without a device is a
 * fault.
 */
async function targetsMeant(
  d1: D1Database,
  words: Words,
  isMeant: (id: string) => boolean,
): Promise<Targets> {
  const { serial_number: serials = [] } = words
  const found = await targetsOf(d1, filterOf({ state: ['enrolled'], ...words }))
  const known = new Set(found.map(({ serialNumber }) => serialNumber))
  const missing = [...new Set(serials)].filter((serial) => !known.has(serial))
  const contested = await contestedSerials(d1, missing)
  return asTargets([
    ...found.flatMap(({ id }) => (isMeant(id) ? [{ id, fault: undefined }] : [])),
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

/** @throws RequestError for no device, and for more devices than one call may name */
function checkNumber({ ids }: Targets): void {
  if (ids.length === 0) {
    throw new RequestError(
      'no device is meant: the list is empty, or no enrolled device fits',
      'no_targets',
    )
  }
  if (ids.length > MAX_TARGETS) {
    throw new RequestError(
      `${ids.length} devices: at most ${MAX_TARGETS} in one call, so name fewer by a filter`,
      'too_many_targets',
    )
  }
}
