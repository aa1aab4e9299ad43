import { readAll, select, sql } from '../sql.ts'
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
  const isMeant = filter.serials.length > 0 ? sql`NOT ${isContested}` : sql`1`
  const found: Target[] = []
  let page: Target[] = []
  do {
    const after = found.at(-1)?.id ?? ''
    const rest = sql`WHERE id > ${after} AND ${matches(filter)} AND ${isMeant} ORDER BY id LIMIT ${PAGE}`
    page = await readAll(d1, select('devices', ['id', 'serialNumber'], rest))
    found.push(...page)
  } while (page.length === PAGE)
  return found
}
