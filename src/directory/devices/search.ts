import { PRODUCTS, type Platform } from '../../apple/platform.ts'
import { type Counted, type PageOf, type Place, readPage } from '../order.ts'
import { allOf, among, anyOf, type Picked, type Sql, sql } from '../sql.ts'
import { DEVICE_KEYS, type DeviceKey } from './rows.ts'
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

type Flag = 'enrolled' | 'contested' | 'serialProven'

export interface FoundDevice extends Omit<Picked<'devices', DeviceKey>, Flag> {
  readonly enrolled: boolean
  readonly contested: boolean
  readonly serialProven: boolean
  readonly isContested: boolean
}

/** What devices can be sorted by. */
const SORTS = {
  id: 'id',
  device_name: 'deviceName',
  serial_number: 'serialNumber',
  last_seen_at: 'lastSeen',
} as const
type DeviceSort = keyof typeof SORTS

/** The listed devices that a filter matches, one more than the page holds; counted on the first page. */
export async function searchDevices(
  d1: D1Database,
  filter: DeviceFilter,
  page: PageOf<DeviceSort>,
): Promise<Counted<FoundDevice>> {
  const { rows, total } = await readPage(
    d1,
    {
      table: 'devices',
      keys: DEVICE_KEYS,
      more: { isContested },
      by: SORTS[page.sort.field],
      id: 'id',
      meant: matches(filter),
    },
    page,
  )
  const found = rows.map((row) => ({
    ...row,
    enrolled: row.enrolled === 1,
    contested: row.contested === 1,
    serialProven: row.serialProven === 1,
    isContested: row.isContested === 1,
  }))
  return { rows: found, total }
}

/** The place behind a device, where the next page begins. */
export function sortPlaceOf(device: FoundDevice, field: DeviceSort): Place {
  return { value: device[SORTS[field]], id: device.id }
}

/** The listed devices that a filter matches. */
export function matches(filter: DeviceFilter): Sql {
  const { text, serials, name, model, os, states, push, seenBefore, seenAfter } = filter
  return allOf(
    sql`NOT hidden`,
    text === undefined
      ? undefined
      : anyOf([has(sql`id`, text), has(sql`serial_number`, text), has(sql`device_name`, text)]),
    serials.length > 0 ? sql`serial_number IN ${among(serials)}` : undefined,
    name === undefined ? undefined : has(sql`device_name`, name),
    model === undefined
      ? undefined
      : sql`lower(${model}) IN (lower(model), lower(model_name), lower(product_name))`,
    filter.platforms.length > 0 ? anyOf(filter.platforms.map(isOf)) : undefined,
    os === undefined ? undefined : sql`instr(os_version || '.', ${`${os}.`}) = 1`,
    states.length > 0 ? sql`state IN ${among(states)}` : undefined,
    push.length > 0 ? sql`push IN ${among(push)}` : undefined,
    filter.contested === undefined ? undefined : sql`contested = ${Number(filter.contested)}`,
    seenBefore === undefined ? undefined : sql`last_seen < ${seenBefore}`,
    seenAfter === undefined ? undefined : sql`last_seen >= ${seenAfter}`,
    filter.serialContested === undefined
      ? undefined
      : sql`${isContested} = ${Number(filter.serialContested)}`,
  )
}

function isOf(platform: Platform): Sql {
  const product = sql`coalesce(nullif(product_name, ''), model)`
  return anyOf(PRODUCTS[platform].map((name) => sql`instr(${product}, ${name}) = 1`))
}

/** Not LIKE: D1 takes patterns of 50 bytes, and % and _ are letters here. */
function has(column: Sql, part: string): Sql {
  return sql`instr(lower(${column}), lower(${part})) > 0`
}
