import { and, asc, eq, getTableColumns, sql, type SQL } from 'drizzle-orm'
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1'
import type { DirectoryRow } from '../../device/standing/directory-row.ts'
import { devices } from '../schema.ts'
import { isAccepted } from '../authorities.ts'
import { claimQuery, isClaimed, ownerQuery } from '../identities.ts'
import { foremost } from './serials.ts'
import { endClaimsQuery, isCalled } from './users.ts'

export interface ListedDevice {
  readonly id: string
  readonly serialNumber: string
  readonly enrolled: boolean
  readonly lastSeen: number
}

/** D1 holds 100 bound parameters a statement; a row of `devices` is 23. */
const ROWS_PER_STATEMENT = 4

function open(db: D1Database): DrizzleD1Database {
  return drizzle(db)
}

/**
 * Claims an unused certificate for the enrolment of the row, and lists the enrolment if it is new, in one
 * batch. `authority` is the `key_id` of our own CA that issued it, which still has to be accepted; empty for
 * another CA.
 *
 * @returns `owner`: the enrolment that owns the certificate, maybe another one; `undefined` if its CA was
 * removed. `isUsers`: whether a user of another device has the id of the enrolment.
 */
export async function claimIdentity(
  d1: D1Database,
  row: DirectoryRow,
  authority: string,
): Promise<{
  owner: string | undefined
  isUsers: boolean
}> {
  const db = open(d1)
  const fingerprint = row.identity
  const [, , owner] = await db.batch([
    claimQuery(db, fingerprint, row.id, sql`${authority} = '' OR ${isAccepted(authority)}`),
    // Lists the device only if it owns the certificate: the sender chooses ids and serial numbers.
    db
      .insert(devices)
      .select(sql`SELECT ${valuesOf(row)} WHERE ${isClaimed(fingerprint, row.id)}`)
      .onConflictDoNothing(),
    ownerQuery(db, fingerprint, isCalled(row.id)),
  ])
  return { owner: owner[0]?.enrollment, isUsers: owner[0]?.beside === 1 }
}

/** Writes the devices' own rows into the directory, and ends the claims of users that they no longer have. */
export async function project(d1: D1Database, rows: readonly DirectoryRow[]): Promise<void> {
  const db = open(d1)
  const newer = sql`excluded.version > ${devices.version}`
  const upserts = chunks(rows, ROWS_PER_STATEMENT).map((chunk) =>
    db
      .insert(devices)
      .values(chunk.map(flat))
      .onConflictDoUpdate({ target: devices.id, set: EXCLUDED, setWhere: newer }),
  )
  const [first, ...others] = upserts
  if (first) {
    const over = endClaimsQuery(db, rows)
    await db.batch([first, ...others, ...(over ? [over] : [])])
  }
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

/** The columns that an update sets: all but the id, and the one that D1 computes. */
const EXCLUDED = {
  ...Object.fromEntries(
    Object.entries(getTableColumns(devices))
      .filter(([key]) => key !== 'id' && key !== 'serialStanding')
      .map(([key, { name }]) => [key, sql`excluded.${sql.identifier(name)}`]),
  ),
  // The object does not know of the messages that changed nothing: devices/seen.ts.
  lastSeen: sql`max(excluded.last_seen, ${devices.lastSeen})`,
}

/** The row's values in the order of the table's columns, without the columns that D1 computes. */
function valuesOf(row: DirectoryRow): SQL {
  const values: Record<string, unknown> = { ...flat(row) }
  const columns = Object.entries(getTableColumns(devices)).filter(([key]) => key in values)
  return sql.join(
    columns.map(([key, column]) => sql.param(values[key], column)),
    sql`, `,
  )
}

function flat(row: DirectoryRow): typeof devices.$inferInsert {
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

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const parts: Item[][] = []
  for (let at = 0; at < items.length; at += size) {
    parts.push(items.slice(at, at + size))
  }
  return parts
}
