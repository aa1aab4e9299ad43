/**
 * Resolves serial numbers. A device chooses the one that it reports, so several devices may report the
 * same. It leads to the only device that claims it, or to the only one of them that has proof.
 */
import { among, readAll, readOne, select, sql } from '../sql.ts'
import { type ListedStandingRow, NO_STANDING, STANDING_KEYS } from './standing.ts'

/**
 * Whether a device claims a serial number that does not lead to it, because another device's claim is as
 * good or better.
 */
export const isContested = sql<number>`(devices.serial_standing > 0 AND EXISTS (SELECT 1 FROM devices AS rival
  WHERE rival.serial_number = devices.serial_number AND rival.serial_standing >= devices.serial_standing
    AND rival.id <> devices.id))`

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
  const meant = sql`WHERE serial_number = ${serial} AND serial_number <> '' AND NOT hidden`
  const rows = await readAll(d1, select('devices', ['id', 'serialNumber', 'serialStanding'], meant))
  const [...leading] = foremost(rows)
  return rows.filter((row) => row.serialStanding === 0 || leading.includes(row)).map(({ id }) => id)
}

/** The devices that claim a serial number with the same standing. */
interface SerialGroup {
  readonly serial: string
  readonly number: number
  readonly first: string
  readonly last: string
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
    const asked = among(serials.slice(at, at + PAGE))
    const groups = await readAll(
      d1,
      sql<SerialGroup>`SELECT serial_number AS serial, count(*) AS number, min(id) AS first, max(id) AS last
        FROM devices WHERE serial_number IN ${asked} AND serial_standing > 0
        GROUP BY serial_number, serial_standing ORDER BY serial_standing`,
    )
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
  readonly standing: ListedStandingRow
}

export async function listingOf(d1: D1Database, id: string): Promise<DeviceListing> {
  const row = await readOne(
    d1,
    select('devices', ['serialProven', 'lastSeen', ...STANDING_KEYS], sql`WHERE id = ${id}`, {
      isContested,
    }),
  )
  return {
    serialProven: row?.serialProven === 1,
    serialContested: row?.isContested === 1,
    lastSeen: row?.lastSeen ?? 0,
    standing: row ?? NO_STANDING,
  }
}

/** How many devices one call informs that another device has their serial number. */
const MOST_RIVALS = 20

/** Other devices that claim a serial number with proof. */
export async function provenRivals(d1: D1Database, serial: string, id: string): Promise<string[]> {
  const meant = sql`WHERE serial_number = ${serial} AND serial_standing = 2 AND id <> ${id}
    LIMIT ${MOST_RIVALS}`
  const rows = await readAll(d1, select('devices', ['id'], meant))
  return rows.map((row) => row.id)
}
