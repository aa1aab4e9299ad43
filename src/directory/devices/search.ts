import {
  and,
  eq,
  getTableColumns,
  gte,
  inArray,
  lt,
  or,
  sql,
  type Column,
  type SQL,
} from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { PRODUCTS, type Platform } from '../../apple/platform.ts'
import { type Counted, type PageOf, type Place, readPage } from '../order.ts'
import { devices } from '../schema.ts'
import { isContested } from './serials.ts'

/** The conditions of a search; undefined matches all. */
export interface DeviceFilter {
  /** Part of the id, serial number or name, in any case. */
  readonly text?: string | undefined
  readonly serials: readonly string[]
  readonly name?: string | undefined
  /** Model, model name or product name, as a whole, in any case. */
  readonly model?: string | undefined
  readonly platforms: readonly Platform[]
  /** A version and all that begin with it: `26` matches `26.1` too. */
  readonly os?: string | undefined
  readonly states: readonly string[]
  readonly push: readonly string[]
  readonly contested?: boolean | undefined
  /** Milliseconds. */
  readonly seenBefore?: number | undefined
  readonly seenAfter?: number | undefined
  /** Whether its serial number leads to another device or to none. */
  readonly serialContested?: boolean | undefined
}

export interface FoundDevice extends Omit<
  typeof devices.$inferSelect,
  'hidden' | 'version' | 'serialStanding'
> {
  readonly isContested: boolean
}

/** What devices can be sorted by. */
const SORTS = {
  id: devices.id,
  device_name: devices.deviceName,
  serial_number: devices.serialNumber,
  last_seen_at: devices.lastSeen,
} as const
type DeviceSort = keyof typeof SORTS

/** The listed devices that a filter matches, one more than the page holds; counted on the first page. */
export async function searchDevices(
  d1: D1Database,
  filter: DeviceFilter,
  page: PageOf<DeviceSort>,
): Promise<Counted<FoundDevice>> {
  const db = drizzle(d1)
  const query = db
    .select({ ...getTableColumns(devices), isContested })
    .from(devices)
    .$dynamic()
  const by = SORTS[page.sort.field]
  return readPage(db, query, { table: devices, by, id: devices.id, meant: matches(filter) }, page)
}

/** The place behind a device, where the next page begins. */
export function sortPlaceOf(device: FoundDevice, field: DeviceSort): Place {
  const values = {
    id: device.id,
    device_name: device.deviceName,
    serial_number: device.serialNumber,
    last_seen_at: device.lastSeen,
  }
  return { value: values[field], id: device.id }
}

/** The listed devices that a filter matches. */
export function matches(filter: DeviceFilter): SQL | undefined {
  const { text, serials, name, model, os, states, push, seenBefore, seenAfter } = filter
  const models = [devices.model, devices.modelName, devices.productName]
  return and(
    eq(devices.hidden, false),
    text === undefined
      ? undefined
      : or(...[devices.id, devices.serialNumber, devices.deviceName].map(has(text))),
    // One parameter for any number of them: a statement takes a hundred.
    serials.length > 0
      ? sql`${devices.serialNumber} IN (SELECT value FROM json_each(${JSON.stringify(serials)}))`
      : undefined,
    name === undefined ? undefined : has(name)(devices.deviceName),
    model === undefined
      ? undefined
      : or(...models.map((column) => sql`lower(${column}) = lower(${model})`)),
    filter.platforms.length > 0 ? or(...filter.platforms.map(isOf)) : undefined,
    os === undefined
      ? undefined
      : or(eq(devices.osVersion, os), sql`instr(${devices.osVersion}, ${`${os}.`}) = 1`),
    states.length > 0 ? inArray(devices.state, [...states]) : undefined,
    push.length > 0 ? inArray(devices.push, [...push]) : undefined,
    filter.contested === undefined ? undefined : eq(devices.contested, filter.contested),
    seenBefore === undefined ? undefined : lt(devices.lastSeen, seenBefore),
    seenAfter === undefined ? undefined : gte(devices.lastSeen, seenAfter),
    filter.serialContested === undefined
      ? undefined
      : sql`${isContested} = ${Number(filter.serialContested)}`,
  )
}

function isOf(platform: Platform): SQL | undefined {
  const product = sql`coalesce(nullif(${devices.productName}, ''), ${devices.model})`
  return or(...PRODUCTS[platform].map((name) => sql`instr(${product}, ${name}) = 1`))
}

/** Not LIKE: D1 takes patterns of 50 bytes, and % and _ are letters here. */
function has(part: string): (column: Column) => SQL {
  return (column) => sql`instr(lower(${column}), lower(${part})) > 0`
}
