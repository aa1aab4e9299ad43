import { type Platform, platformOf } from '../../apple/platform.ts'
import { among, readAll, select, sql } from '../sql.ts'
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

/** Listed devices of one platform and OS. */
export interface TargetGroup {
  readonly platform: Platform | undefined
  /** The product name of one of them. */
  readonly product: string
  readonly osVersion: string
  readonly devices: number
}

/** Ids of one parameter: the longest are a megabyte. */
const ASKED = 2000
/** Devices choose their versions: an answer has this many groups at most. */
const MOST_GROUPS = 200

/** The listed devices among some ids by platform and OS, the largest group first, and how many they are. */
export async function groupTargets(
  d1: D1Database,
  ids: readonly string[],
): Promise<{ readonly groups: readonly TargetGroup[]; readonly listed: number }> {
  let listed = 0
  const groups = new Map<string, TargetGroup>()
  for (let at = 0; at < ids.length; at += ASKED) {
    const rows = await readAll(
      d1,
      sql<
        Omit<TargetGroup, 'platform'>
      >`SELECT coalesce(nullif(product_name, ''), model) AS product,
          os_version AS osVersion, count(*) AS devices
        FROM devices WHERE id IN ${among(ids.slice(at, at + ASKED))} AND NOT hidden GROUP BY 1, 2`,
    )
    for (const row of rows) {
      const platform = platformOf(row.product)
      const key = JSON.stringify([platform, row.osVersion])
      const devices = (groups.get(key)?.devices ?? 0) + row.devices
      groups.set(key, { ...row, platform, devices })
      listed += row.devices
    }
  }
  const largest = [...groups.values()].toSorted((a, b) => b.devices - a.devices)
  return { groups: largest.slice(0, MOST_GROUPS), listed }
}
