/** Reads `dep_devices` for lists and for enrolment. It writes nothing. */
import type { DepDevice } from '../../dep/records.ts'
import { allOf, among, readAll, readOne, type Sql, sql } from '../sql.ts'

/** A device of an account. Times are milliseconds. */
export interface DepDeviceRow {
  readonly serial: string
  readonly account: string
  /** It is assigned to the account's server entry now. */
  readonly live: boolean
  readonly profileUuid: string
  /** `empty`, `assigned`, `pushed` or `removed`. */
  readonly profileStatus: string
  /** JSON of Apple's record. */
  readonly record: string
  readonly addedAt: number
  readonly changedAt: number
  /** The profile that is to be assigned; empty while nothing is to be done. */
  readonly wanted: string
  /** What Apple answered to the last assignment; empty for none. */
  readonly outcome: string
  readonly tries: number
  readonly dueAt: number
  /** The listed enrolment with the best claim to the serial number; null if none reports it. */
  readonly deviceId: string | null
}

/** Undefined matches all. */
export interface DepFilter {
  readonly account?: string | undefined
  readonly live?: boolean | undefined
  readonly status?: string | undefined
  readonly profileUuid?: string | undefined
  /** Apple's answer to the last assignment. */
  readonly outcome?: string | undefined
  readonly serials?: readonly string[] | undefined
  /** Apple's word, in any case. */
  readonly family?: string | undefined
  /** Part of the model, in any case. */
  readonly model?: string | undefined
  /** Only those whose serial number no listed enrolment reports. */
  readonly unenrolled?: boolean | undefined
}

/** The place behind which a page begins. */
export interface DepPlace {
  readonly serial: string
  readonly account: string
}

type Stored = Omit<DepDeviceRow, 'live'> & { readonly live: number }

const ROW = sql`SELECT serial, account, live, profile_uuid AS profileUuid, profile_status AS profileStatus,
  record, added_at AS addedAt, changed_at AS changedAt, wanted, outcome, tries, due_at AS dueAt,
  (SELECT id FROM devices WHERE serial_number = serial AND NOT hidden
    ORDER BY serial_standing DESC, id LIMIT 1) AS deviceId
  FROM dep_devices`

const IS_UNENROLLED = sql`NOT EXISTS (SELECT 1 FROM devices WHERE serial_number = serial AND NOT hidden)`

function rowOf(row: Stored): DepDeviceRow {
  return { ...row, live: row.live === 1 }
}

/** The device with a serial number: in the account that has it now, otherwise in the one that had it last. */
export async function findDepDevice(
  d1: D1Database,
  serial: string,
): Promise<DepDeviceRow | undefined> {
  const found = sql<Stored>`${ROW} WHERE serial = ${serial} ORDER BY live DESC, changed_at DESC LIMIT 1`
  const row = await readOne(d1, found)
  return row && rowOf(row)
}

/** Whether a serial number is assigned to one of the accounts now. */
export async function isInAbm(d1: D1Database, serial: string): Promise<boolean> {
  return (await countOf(d1, sql`serial = ${serial} AND live`)) > 0
}

/** A page of devices in the order of their serial numbers. `total` is only counted for the first page. */
export async function searchDepDevices(
  d1: D1Database,
  filter: DepFilter,
  { after, limit }: { readonly after: DepPlace | undefined; readonly limit: number },
): Promise<{ readonly rows: readonly DepDeviceRow[]; readonly total: number | null }> {
  const meant = conditionOf(filter)
  const start = after && sql`(serial, account) > (${after.serial}, ${after.account})`
  const page = sql<Stored>`${ROW} WHERE ${allOf(start, meant)} ORDER BY serial, account LIMIT ${limit}`
  const [rows, total] = await Promise.all([readAll(d1, page), after ? null : countOf(d1, meant)])
  return { rows: rows.map(rowOf), total }
}

async function countOf(d1: D1Database, meant: Sql): Promise<number> {
  const count = sql<{ n: number }>`SELECT count(*) AS n FROM dep_devices WHERE ${meant}`
  return (await readOne(d1, count))?.n ?? 0
}

function conditionOf(filter: DepFilter): Sql {
  const { serials, family, model } = filter
  const columns = [
    [sql`account`, filter.account],
    [sql`live`, filter.live === undefined ? undefined : Number(filter.live)],
    [sql`profile_status`, filter.status],
    [sql`profile_uuid`, filter.profileUuid],
    [sql`outcome`, filter.outcome],
    [sql`lower(record ->> 'device_family')`, family?.toLowerCase()],
  ] as const
  return allOf(
    ...columns.map(([column, value]) =>
      value === undefined ? undefined : sql`${column} = ${value}`,
    ),
    serials && sql`serial IN ${among(serials)}`,
    model === undefined ? undefined : sql`instr(lower(record ->> 'model'), lower(${model})) > 0`,
    filter.unenrolled ? IS_UNENROLLED : undefined,
  )
}

/** What `/v1/devices` tells of a device that is assigned to an account now. */
export interface ListedDepDevice {
  readonly serial: string
  readonly profileStatus: string
  /** No listed enrolment reports its serial number. */
  readonly isUnenrolled: boolean
}

/** The devices with these serial numbers that are assigned to an account now; all for an empty list. */
export async function listDepDevices(
  d1: D1Database,
  serials: readonly string[],
): Promise<ListedDepDevice[]> {
  const meant = allOf(sql`live`, serials.length > 0 ? sql`serial IN ${among(serials)}` : undefined)
  const rows = await readAll(
    d1,
    sql<Omit<ListedDepDevice, 'isUnenrolled'> & { isUnenrolled: number }>`
      SELECT serial, profile_status AS profileStatus, ${IS_UNENROLLED} AS isUnenrolled
      FROM dep_devices WHERE ${meant} GROUP BY serial ORDER BY serial`,
  )
  return rows.map((row) => ({ ...row, isUnenrolled: row.isUnenrolled === 1 }))
}

/** How many devices of an account stand how. */
export interface DepCounts {
  readonly devices: number
  /** Without a profile. */
  readonly empty: number
  readonly assigned: number
  readonly pushed: number
  /** They wait for an assignment. */
  readonly waiting: number
  /** Those of them whose last try failed. */
  readonly failed: number
}

export async function countDepDevices(d1: D1Database, account: string): Promise<DepCounts> {
  const counts = sql<DepCounts>`SELECT count(*) AS devices,
      coalesce(sum(profile_status NOT IN ('assigned', 'pushed')), 0) AS empty,
      coalesce(sum(profile_status = 'assigned'), 0) AS assigned,
      coalesce(sum(profile_status = 'pushed'), 0) AS pushed,
      coalesce(sum(wanted <> ''), 0) AS waiting,
      coalesce(sum(wanted <> '' AND outcome NOT IN ('', 'SUCCESS')), 0) AS failed
    FROM dep_devices WHERE account = ${account} AND live`
  const none = { devices: 0, empty: 0, assigned: 0, pushed: 0, waiting: 0, failed: 0 }
  return (await readOne(d1, counts)) ?? none
}

/** The live devices of an account behind a serial number, with what rules look at. */
export function walkDepDevices(
  d1: D1Database,
  account: string,
  after: string,
  limit: number,
): Promise<readonly DepDevice[]> {
  const walked = sql<DepDevice>`SELECT serial AS serial_number, profile_uuid, profile_status,
      record ->> 'device_family' AS device_family, record ->> 'os' AS os, record ->> 'model' AS model,
      record ->> 'device_assigned_by' AS device_assigned_by
    FROM dep_devices WHERE serial > ${after} AND account = ${account} AND live ORDER BY serial LIMIT ${limit}`
  return readAll(d1, walked)
}
