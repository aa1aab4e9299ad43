import { and, asc, gt, not } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { devices } from '../schema.ts'
import { isContested } from './serials.ts'
import { matches, type DeviceFilter } from './search.ts'

export interface Target {
  readonly id: string
  readonly serialNumber: string
}

/** D1 answers in pages: this many ids are a megabyte. */
const PAGE = 10_000

/**
 * The ids of all listed devices that a filter matches. A serial number matches only the devices that it
 * leads to.
 */
export async function targetsOf(d1: D1Database, filter: DeviceFilter): Promise<Target[]> {
  const isMeant = filter.serials.length > 0 ? not(isContested) : undefined
  const found: Target[] = []
  let page: Target[] = []
  do {
    page = await drizzle(d1)
      .select({ id: devices.id, serialNumber: devices.serialNumber })
      .from(devices)
      .where(and(gt(devices.id, found.at(-1)?.id ?? ''), matches(filter), isMeant))
      .orderBy(asc(devices.id))
      .limit(PAGE)
    found.push(...page)
  } while (page.length === PAGE)
  return found
}
