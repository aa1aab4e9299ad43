import { and, asc, eq, getTableColumns, type Placeholder, sql, type SQL } from 'drizzle-orm'
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1'
import type { DirectoryRow } from '../../device/standing/directory-row.ts'
import { jsonOf, prepared } from '../prepared.ts'
import { devices } from '../schema.ts'
import { foremost } from './serials.ts'
import { endClaims } from './users.ts'

export interface ListedDevice {
  readonly id: string
  readonly serialNumber: string
  readonly enrolled: boolean
  readonly lastSeen: number
}

function open(db: D1Database): DrizzleD1Database {
  return drizzle(db)
}

/** Writes the devices' own rows into the directory, and ends the claims of users that they no longer have. */
export async function project(d1: D1Database, rows: readonly DirectoryRow[]): Promise<void> {
  const over = endClaims(d1, rows)
  const upsert = upsertQuery(d1, { rows: jsonOf(rows.map(flat)) })
  await d1.batch([upsert, ...(over ? [over] : [])])
}

/** Inserts the rows of an array of JSON under a condition, in which each is called `listed`. */
export function insertRows(db: DrizzleD1Database, rows: Placeholder, condition: SQL) {
  return db
    .insert(devices)
    .select(sql`SELECT ${VALUES} FROM json_each(${rows}) AS listed WHERE ${condition}`)
}

/** The same for devices that are new here. It answers with the certificates of their rows. */
export function insertNewRows(db: DrizzleD1Database, rows: Placeholder, condition: SQL) {
  return insertRows(db, rows, condition)
    .onConflictDoNothing()
    .returning({ identity: devices.identity })
}

/**
 * All devices that are not deleted; or those with the given ids; or those that the given serial numbers
 * lead to.
 */
export async function listDevices(
  d1: D1Database,
  filter: { readonly serials: readonly string[]; readonly ids: readonly string[] },
): Promise<ListedDevice[]> {
  const found = open(d1)
    .select({
      id: devices.id,
      serialNumber: devices.serialNumber,
      enrolled: devices.enrolled,
      lastSeen: devices.lastSeen,
      serialStanding: devices.serialStanding,
    })
    .from(devices)
    .where(
      and(
        eq(devices.hidden, false),
        among(devices.serialNumber, filter.serials),
        among(devices.id, filter.ids),
      ),
    )
  return filter.serials.length === 0
    ? found
    : foremost(await found.orderBy(asc(devices.claimedAt), asc(devices.id)))
}

/** Whether the directory has ever listed a device. */
export async function isListed(d1: D1Database, id: string): Promise<boolean> {
  return (await open(d1).$count(devices, eq(devices.id, id))) > 0
}

/** How many devices a change of the push topic would affect. */
export async function countEnrolled(d1: D1Database): Promise<number> {
  return open(d1).$count(devices, and(eq(devices.enrolled, true), eq(devices.hidden, false)))
}

/**
 * One parameter for any number of values, because a statement takes a hundred. An empty serial number matches
 * nothing.
 */
function among(
  column: typeof devices.id | typeof devices.serialNumber,
  values: readonly string[],
): SQL | undefined {
  return values.length === 0
    ? undefined
    : sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(values.filter(Boolean))}))`
}

/** The columns that are written: all but the one that D1 computes. */
const COLUMNS = Object.entries(getTableColumns(devices)).filter(([key]) => key !== 'serialStanding')

const VALUES = sql.join(
  COLUMNS.map(([key]) => sql.raw(`listed.value ->> '${key}'`)),
  sql`, `,
)

const EXCLUDED = {
  ...Object.fromEntries(
    COLUMNS.filter(([key]) => key !== 'id').map(([key, { name }]) => [
      key,
      sql`excluded.${sql.identifier(name)}`,
    ]),
  ),
  // The object does not know of the messages that changed nothing: devices/seen.ts.
  lastSeen: sql`max(excluded.last_seen, ${devices.lastSeen})`,
}

const upsertQuery = prepared((db) =>
  // Without the condition, SQLite reads the conflict clause as one of a join.
  insertRows(db, sql.placeholder('rows'), sql`true`).onConflictDoUpdate({
    target: devices.id,
    set: EXCLUDED,
    setWhere: sql`excluded.version > ${devices.version}`,
  }),
)

/** A row as a member of the JSON that an insert takes. */
export function flat(row: DirectoryRow): typeof devices.$inferInsert {
  const { facts } = row
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
  }
}
