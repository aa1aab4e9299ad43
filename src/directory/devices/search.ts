import { PRODUCTS, type Platform } from '../../apple/platform.ts'
import { type Counted, type PageOf, type Place, readPage } from '../order.ts'
import { allOf, among, anyOf, type Picked, type Sql, sql } from '../sql.ts'
import { DEVICE_KEYS, type DeviceKey } from './rows.ts'
import { isContested } from './serials.ts'

/** The conditions of a search; undefined matches all. */
export interface DeviceFilter {
  /** Part of the id, serial number or name, or of the short name of a user, in any case. */
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
  readonly enrollments: readonly string[]
  readonly supervised?: boolean | undefined
  readonly blocked?: boolean | undefined
  readonly renewals: readonly string[]
}

type Flag = 'enrolled' | 'contested' | 'serialProven'

export interface FoundDevice extends Omit<Picked<'devices', DeviceKey>, Flag> {
  readonly enrolled: boolean
  readonly contested: boolean
  readonly serialProven: boolean
  readonly isContested: boolean
  readonly osOrder: number
}

/** What devices can be sorted by: without an index, because D1 reads a fleet faster than it keeps one. */
const SORTS = {
  id: 'id',
  device_name: 'deviceName',
  serial_number: 'serialNumber',
  last_seen_at: 'lastSeen',
  model_name: 'modelName',
  os_version: 'osOrder',
  state: 'state',
  push_state: 'push',
  enrolled_at: 'enrolledAt',
  identity_not_after: 'identityNotAfter',
} as const

/** Orders 9.3 before 26. A device chooses its text, so each number has a bound. */
const osOrder = sql<number>`(min(max(CAST(os_version AS INTEGER), 0), 9999) * 10000
  + min(max(CAST(substr(os_version, instr(os_version || '.', '.') + 1) AS INTEGER), 0), 9999))`
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
      more: { isContested, osOrder },
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
  const { text, serials, name, model, os, seenBefore, seenAfter } = filter
  return allOf(
    sql`NOT hidden`,
    text === undefined ? undefined : anyOf(SEARCHED.map((column) => has(column, text))),
    serials.length > 0 ? sql`serial_number IN ${among(serials)}` : undefined,
    name === undefined ? undefined : has(sql`device_name`, name),
    model === undefined
      ? undefined
      : sql`lower(${model}) IN (lower(model), lower(model_name), lower(product_name))`,
    filter.platforms.length > 0 ? anyOf(filter.platforms.map(isOf)) : undefined,
    os === undefined ? undefined : sql`instr(os_version || '.', ${`${os}.`}) = 1`,
    isIn(sql`state`, filter.states),
    isIn(sql`push`, filter.push),
    isIn(sql`enrollment`, filter.enrollments),
    isIn(sql`renewal`, filter.renewals),
    is(sql`contested`, filter.contested),
    is(sql`supervised`, filter.supervised),
    is(sql`blocked`, filter.blocked),
    seenBefore === undefined ? undefined : sql`last_seen < ${seenBefore}`,
    seenAfter === undefined ? undefined : sql`last_seen >= ${seenAfter}`,
    is(isContested, filter.serialContested),
  )
}

const SEARCHED = [sql`id`, sql`serial_number`, sql`device_name`, sql`user_names`]

function isIn(column: Sql, words: readonly string[]): Sql | undefined {
  return words.length > 0 ? sql`${column} IN ${among(words)}` : undefined
}

function is(column: Sql, flag: boolean | undefined): Sql | undefined {
  return flag === undefined ? undefined : sql`${column} = ${Number(flag)}`
}

function isOf(platform: Platform): Sql {
  const product = sql`coalesce(nullif(product_name, ''), model)`
  return anyOf(PRODUCTS[platform].map((name) => sql`instr(${product}, ${name}) = 1`))
}

/** Not LIKE: D1 takes patterns of 50 bytes, and % and _ are letters here. */
function has(column: Sql, part: string): Sql {
  return sql`instr(lower(${column}), lower(${part})) > 0`
}
