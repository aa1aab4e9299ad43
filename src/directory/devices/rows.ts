import type { DirectoryRow } from '../../device/standing/directory-row.ts'
import {
  allOf,
  among,
  countRows,
  joined,
  jsonOf,
  listedValue,
  named,
  readAll,
  returning,
  select,
  type Sql,
  sql,
  writeAll,
} from '../sql.ts'
import { foremost } from './serials.ts'
import { forgetStates } from '../declarations/states.ts'
import { endClaims } from './users.ts'

export interface ListedDevice {
  readonly id: string
  readonly serialNumber: string
  readonly enrolled: boolean
  readonly lastSeen: number
}

/** Writes the devices' own rows into the directory, and ends the claims of users that they no longer have. */
export async function project(d1: D1Database, rows: readonly DirectoryRow[]): Promise<void> {
  const over = endClaims(rows)
  const gone = rows.filter(({ enrolled, hidden }) => !enrolled || hidden).map(({ id }) => id)
  // Without the condition, SQLite reads the conflict clause as one of a join.
  const upsert = sql`${insertRows(jsonOf(rows.map(flat)), sql`true`)}
    ON CONFLICT (id) DO UPDATE SET ${NEWEST} WHERE excluded.version > devices.version`
  const forgotten = gone.length > 0 ? forgetStates(gone) : []
  await writeAll(d1, [upsert, ...(over ? [over] : []), ...forgotten])
}

/** Inserts the rows of an array of JSON under a condition, in which each is called `listed`. */
function insertRows(rows: string, condition: Sql): Sql {
  return sql`INSERT INTO devices (${joined(', ', DEVICE_KEYS.map(named))})
    SELECT ${joined(', ', DEVICE_KEYS.map(listedValue))} FROM json_each(${rows}) AS listed WHERE ${condition}`
}

/** The same for devices that are new here. It answers with the certificates of their rows. */
export function insertNewRows(rows: string, condition: Sql) {
  const insertion = sql`${insertRows(rows, condition)} ON CONFLICT DO NOTHING`
  return returning(insertion, 'devices', ['identity'])
}

/**
 * All devices that are not deleted; or those with the given ids; or those that the given serial numbers
 * lead to.
 */
export async function listDevices(
  d1: D1Database,
  filter: { readonly serials: readonly string[]; readonly ids: readonly string[] },
): Promise<ListedDevice[]> {
  const { serials, ids } = filter
  const meant = allOf(sql`NOT hidden`, isAmong(sql`serial_number`, serials), isAmong(sql`id`, ids))
  const keys = ['id', 'serialNumber', 'enrolled', 'lastSeen', 'serialStanding'] as const
  const inOrder = serials.length === 0 ? sql`` : sql`ORDER BY claimed_at, id`
  const rows = await readAll(d1, select('devices', keys, sql`WHERE ${meant} ${inOrder}`))
  const found = rows.map((row) => ({ ...row, enrolled: row.enrolled === 1 }))
  return serials.length === 0 ? found : foremost(found)
}

/** Whether the directory has ever listed a device. */
export async function isListed(d1: D1Database, id: string): Promise<boolean> {
  return (await countRows(d1, 'devices', sql`id = ${id}`)) > 0
}

/** How many devices a change of the push topic would affect. */
export function countEnrolled(d1: D1Database): Promise<number> {
  return countRows(d1, 'devices', sql`enrolled AND NOT hidden`)
}

/** Any value counts where there is none in the list. An empty serial number matches nothing. */
function isAmong(column: Sql, values: readonly string[]): Sql | undefined {
  return values.length === 0 ? undefined : sql`${column} IN ${among(values.filter(Boolean))}`
}

/** The columns of a device: all but the one that D1 computes. */
export const DEVICE_KEYS = [
  'id',
  'type',
  'serialNumber',
  'enrolled',
  'state',
  'push',
  'hidden',
  'contested',
  'serialProven',
  'claimedAt',
  'lastSeen',
  'deviceName',
  'model',
  'modelName',
  'productName',
  'osVersion',
  'buildVersion',
  'version',
  'identity',
  'identityNotAfter',
  'renewal',
  'renewalReason',
  'renewalAt',
  'enrolledAt',
  'enrollment',
  'supervised',
  'blocked',
  'userNames',
] as const
export type DeviceKey = (typeof DEVICE_KEYS)[number]

const NEWEST = joined(
  ', ',
  DEVICE_KEYS.map((key) => {
    const column = named(key)
    // The object does not know of the messages that changed nothing: devices/seen.ts.
    return key === 'lastSeen'
      ? sql`last_seen = max(excluded.last_seen, devices.last_seen)`
      : sql`${column} = excluded.${column}`
  }),
)

/** A row as a member of the JSON that an insert takes. */
export function flat(row: DirectoryRow): Readonly<Record<DeviceKey, unknown>> {
  const { facts, standing } = row
  return {
    id: row.id,
    type: row.type,
    serialNumber: facts.SerialNumber,
    enrolled: row.enrolled,
    state: row.state,
    push: row.push,
    hidden: row.hidden,
    contested: row.contested === true,
    serialProven: row.serialProven,
    claimedAt: row.claimedAt,
    lastSeen: row.lastSeen,
    deviceName: facts.DeviceName,
    model: facts.Model,
    modelName: facts.ModelName,
    productName: facts.ProductName,
    osVersion: facts.OSVersion,
    buildVersion: facts.BuildVersion,
    version: row.version,
    identity: row.identity,
    identityNotAfter: row.identityNotAfter,
    renewal: row.renewal.state,
    renewalReason: row.renewal.reason,
    renewalAt: row.renewal.at,
    enrolledAt: standing?.enrolledAt ?? 0,
    enrollment: standing?.enrollment ?? '',
    supervised: standing?.supervised ?? null,
    blocked: standing?.blocked ?? false,
    userNames: standing?.userNames.map((name) => name.replaceAll('\n', ' ')).join('\n') ?? '',
  }
}
