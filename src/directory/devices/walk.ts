import { and, eq, gt, lt, type SQL } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { devices } from '../schema.ts'

/** A walk begins after this place. */
export const START = ''

export interface WalkPage {
  readonly ids: readonly string[]
  /** The place after which the walk goes on; `undefined` at its end. */
  readonly next: string | undefined
}

/**
 * A page of a walk over all devices of the directory, hidden ones too, in the order of their ids. The caller
 * keeps the place, and stores the next one when the page is done: then a crash repeats the page. `until`
 * leaves out devices that enrolled later (milliseconds).
 */
export async function walkPage(
  d1: D1Database,
  place: string,
  limit: number,
  until?: number,
): Promise<WalkPage> {
  const meant = until === undefined ? undefined : lt(devices.claimedAt, until)
  const ids = await idsAfter(d1, place, limit, meant)
  return { ids, next: ids.length < limit ? undefined : ids.at(-1) }
}

/** The ids of enrolled devices behind a place, in their order. */
export function enrolledAfter(d1: D1Database, place: string, limit: number): Promise<string[]> {
  return idsAfter(d1, place, limit, eq(devices.enrolled, true))
}

async function idsAfter(
  d1: D1Database,
  place: string,
  limit: number,
  meant: SQL | undefined,
): Promise<string[]> {
  const rows = await drizzle(d1)
    .select({ id: devices.id })
    .from(devices)
    .where(and(gt(devices.id, place), meant))
    .orderBy(devices.id)
    .limit(limit)
  return rows.map(({ id }) => id)
}
