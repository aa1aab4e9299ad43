/** Devices that may enrol where `ENROLLMENT` is `known`. Serial numbers are in the form of `readSerial`. */
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { readSerial } from '../../enroll/serial.ts'
import { type Counted, type PageOf, readPage } from '../order.ts'
import { knownSerials } from '../schema.ts'

export type KnownSerial = typeof knownSerials.$inferSelect

/** Whether a device that reports this serial number may enrol. */
export async function isKnownSerial(d1: D1Database, said: string): Promise<boolean> {
  const serial = readSerial(said)
  if (serial === undefined) {
    return false
  }
  return (await drizzle(d1).$count(knownSerials, eq(knownSerials.serial, serial))) > 0
}

/** @returns how many were not listed before */
export async function addSerials(
  d1: D1Database,
  serials: readonly string[],
  now: number,
): Promise<number> {
  // One parameter for all: a statement takes a hundred.
  const values = JSON.stringify(serials)
  const added = await drizzle(d1).run(
    sql`INSERT INTO ${knownSerials} SELECT value, ${now} FROM json_each(${values})
      WHERE true ON CONFLICT DO NOTHING`,
  )
  return added.meta.changes
}

const SORTS = { id: knownSerials.serial, added_at: knownSerials.addedAt } as const
type KnownSerialSort = keyof typeof SORTS

export async function listSerials(
  d1: D1Database,
  page: PageOf<KnownSerialSort>,
): Promise<Counted<KnownSerial>> {
  const db = drizzle(d1)
  const list = { table: knownSerials, by: SORTS[page.sort.field], id: knownSerials.serial }
  return readPage(db, db.select().from(knownSerials).$dynamic(), list, page)
}

/** @returns how many were listed */
export async function removeSerials(d1: D1Database, serials: readonly string[]): Promise<number> {
  const values = JSON.stringify(serials)
  const removed = await drizzle(d1).run(
    sql`DELETE FROM ${knownSerials}
      WHERE ${knownSerials.serial} IN (SELECT value FROM json_each(${values}))`,
  )
  return removed.meta.changes
}
