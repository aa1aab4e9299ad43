/**
 * Resolves serial numbers. A device chooses the one that it reports, so several devices may report the
 * same. It leads to the only device that claims it, or to the only one of them that has proof.
 */
import { and, asc, eq, gt, ne, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { devices } from '../schema.ts'

/**
 * Whether a device claims a serial number that does not lead to it, because another device's claim is as
 * good or better.
 */
export const isContested =
  sql`(devices.serial_standing > 0 AND EXISTS (SELECT 1 FROM devices AS rival
  WHERE rival.serial_number = devices.serial_number AND rival.serial_standing >= devices.serial_standing
    AND rival.id <> devices.id))`.mapWith(Boolean)

/** For each serial number, the devices with the best standing, in the order in which they came. */
export function foremost<
  Row extends { readonly serialNumber: string; readonly serialStanding: number },
>(rows: readonly Row[]): Row[] {
  const best = new Map<string, number>()
  for (const row of rows) {
    best.set(row.serialNumber, Math.max(row.serialStanding, best.get(row.serialNumber) ?? 0))
  }
  return rows.filter((row) => row.serialStanding === best.get(row.serialNumber))
}

/** The device that a serial number leads to, and the devices that no longer claim it. */
export async function idsOfSerial(d1: D1Database, serial: string): Promise<string[]> {
  const rows = await drizzle(d1)
    .select({
      id: devices.id,
      serialNumber: devices.serialNumber,
      serialStanding: devices.serialStanding,
    })
    .from(devices)
    .where(
      and(
        eq(devices.serialNumber, serial),
        ne(devices.serialNumber, ''),
        eq(devices.hidden, false),
      ),
    )
  const [...leading] = foremost(rows)
  return rows.filter((row) => row.serialStanding === 0 || leading.includes(row)).map(({ id }) => id)
}

/** D1 answers in pages: this many ids are a megabyte. */
const PAGE = 5000

/** The serial numbers that lead nowhere, because several devices claim them, each with advice. */
export async function contestedSerials(
  d1: D1Database,
  serials: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const contested = new Map<string, string>()
  for (let at = 0; at < serials.length; at += PAGE) {
    const asked = JSON.stringify(serials.slice(at, at + PAGE))
    const groups = await drizzle(d1)
      .select({
        serial: devices.serialNumber,
        number: sql<number>`count(*)`,
        first: sql<string>`min(devices.id)`,
        last: sql<string>`max(devices.id)`,
      })
      .from(devices)
      .where(
        and(
          sql`${devices.serialNumber} IN (SELECT value FROM json_each(${asked}))`,
          gt(devices.serialStanding, 0),
        ),
      )
      .groupBy(devices.serialNumber, devices.serialStanding)
      .orderBy(asc(devices.serialStanding))
    // Groups with proof come last, and replace the groups without.
    for (const { serial, number, first, last } of groups) {
      const more = number > 2 ? `, ${last} and ${number - 2} more` : ` and ${last}`
      contested.delete(serial)
      if (number > 1) {
        contested.set(
          serial,
          `the serial number ${serial} is claimed by ${first}${more}: ` +
            'name the id, confirm the right one, or retire the wrong one',
        )
      }
    }
  }
  return contested
}

/** What the directory knows of a device beyond its object. */
export interface DeviceListing {
  readonly serialProven: boolean
  readonly serialContested: boolean
  readonly lastSeen: number
}

export async function listingOf(d1: D1Database, id: string): Promise<DeviceListing> {
  const { serialProven, lastSeen } = devices
  const [row] = await drizzle(d1)
    .select({ serialProven, serialContested: isContested, lastSeen })
    .from(devices)
    .where(eq(devices.id, id))
  return row ?? { serialProven: false, serialContested: false, lastSeen: 0 }
}

/** How many devices one call informs that another device has their serial number. */
const MOST_RIVALS = 20

/** Other devices that claim a serial number with proof. */
export async function provenRivals(d1: D1Database, serial: string, id: string): Promise<string[]> {
  const rows = await drizzle(d1)
    .select({ id: devices.id })
    .from(devices)
    .where(and(eq(devices.serialNumber, serial), eq(devices.serialStanding, 2), ne(devices.id, id)))
    .limit(MOST_RIVALS)
  return rows.map((row) => row.id)
}
