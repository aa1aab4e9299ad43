import { PLATFORMS, PRODUCTS } from '../../apple/platform.ts'
import { joined, readAll, Sql, sql } from '../sql.ts'

const DAY = 86_400_000
/** Versions that are told apart. A device chooses the name of its version, so there may be many. */
const MOST_VERSIONS = 24
const MAX_VERSION = 20

/** What is counted; all but the first three of enrolled devices. */
interface FleetNumbers {
  readonly known: number
  readonly authenticated: number
  readonly checkedOut: number
  readonly enrolled: number
  readonly ready: number
  readonly failing: number
  readonly contested: number
  readonly silent7d: number
  readonly silent30d: number
  readonly ending14d: number
  readonly ending60d: number
}

/** Numbers of a platform, or of one version of its OS. */
export interface FleetGroup extends FleetNumbers {
  /** Empty for products that Apple does not name so. */
  readonly platform: string
  /** `null` in the sum of the platform. */
  readonly version: string | null
}

function numbersAt(now: number): Readonly<Record<keyof FleetNumbers, Sql>> {
  const silent = (days: number) => sql`sum(enrolled AND last_seen <= ${now - days * DAY})`
  const ending = (days: number) => sql`sum(enrolled AND identity <> ''
    AND identity_not_after > ${now} AND identity_not_after <= ${now + days * DAY})`
  return {
    known: sql`count(*)`,
    authenticated: sql`sum(state = 'authenticated')`,
    checkedOut: sql`sum(state = 'checked_out')`,
    enrolled: sql`sum(enrolled)`,
    ready: sql`sum(enrolled AND push = 'ready')`,
    failing: sql`sum(enrolled AND push = 'failing')`,
    contested: sql`sum(enrolled AND contested)`,
    silent7d: silent(7),
    silent30d: silent(30),
    ending14d: ending(14),
    ending60d: ending(60),
  }
}

/**
 * Counts the listed devices: a group for each platform, and one for each of the commonest versions of an OS
 * on enrolled devices. It reads the row of each device once, in one statement.
 */
export function countFleet(d1: D1Database, now: number): Promise<FleetGroup[]> {
  const product = sql`coalesce(nullif(product_name, ''), model)`
  const platforms = PLATFORMS.flatMap((platform) =>
    PRODUCTS[platform].map((name) => sql`WHEN instr(${product}, ${name}) = 1 THEN ${platform}`),
  )
  const numbers = Object.entries(numbersAt(now)).map(([name, value]) => ({
    counted: sql`${value} AS ${new Sql(name)}`,
    summed: sql`sum(${new Sql(name)}) AS ${new Sql(name)}`,
  }))
  const counted = joined(
    ', ',
    numbers.map((one) => one.counted),
  )
  const summed = joined(
    ', ',
    numbers.map((one) => one.summed),
  )
  return readAll(
    d1,
    sql<FleetGroup>`WITH versions AS MATERIALIZED (
        SELECT CASE ${joined(' ', platforms)} ELSE '' END AS platform,
          substr(os_version, 1, ${MAX_VERSION}) AS version, ${counted}
        FROM devices WHERE NOT hidden GROUP BY 1, 2)
      SELECT platform, NULL AS version, ${summed} FROM versions GROUP BY platform
      UNION ALL
      SELECT * FROM (SELECT * FROM versions WHERE enrolled > 0
        ORDER BY enrolled DESC, platform, version LIMIT ${MOST_VERSIONS})`,
  )
}
