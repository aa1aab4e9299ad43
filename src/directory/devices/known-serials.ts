/** Devices that may enrol where `ENROLLMENT` is `known`. Serial numbers are in the form of `readSerial`. */
import { readSerial } from '../../enroll/serial.ts'
import { type Counted, type PageOf, readPage } from '../order.ts'
import type { knownSerials } from '../schema.ts'
import { among, countRows, sql, write } from '../sql.ts'

export type KnownSerial = typeof knownSerials.$inferSelect

/** Whether a device that reports this serial number may enrol. */
export async function isKnownSerial(d1: D1Database, said: string): Promise<boolean> {
  const serial = readSerial(said)
  if (serial === undefined) {
    return false
  }
  return (await countRows(d1, 'knownSerials', sql`serial = ${serial}`)) > 0
}

/** @returns how many were not listed before */
export function addSerials(
  d1: D1Database,
  serials: readonly string[],
  now: number,
): Promise<number> {
  const add = sql`INSERT INTO known_serials (serial, added_at)
    SELECT value, ${now} FROM json_each(${JSON.stringify(serials)}) WHERE true ON CONFLICT DO NOTHING`
  return write(d1, add)
}

const SORTS = { id: 'serial', added_at: 'addedAt' } as const
type KnownSerialSort = keyof typeof SORTS

export function listSerials(
  d1: D1Database,
  page: PageOf<KnownSerialSort>,
): Promise<Counted<KnownSerial>> {
  const keys = ['serial', 'addedAt'] as const
  return readPage(
    d1,
    { table: 'knownSerials', keys, by: SORTS[page.sort.field], id: 'serial' },
    page,
  )
}

/** @returns how many were listed */
export function removeSerials(d1: D1Database, serials: readonly string[]): Promise<number> {
  return write(d1, sql`DELETE FROM known_serials WHERE serial IN ${among(serials)}`)
}
