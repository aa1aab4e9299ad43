import { and, gt, lt } from 'drizzle-orm'
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
  const rows = await drizzle(d1)
    .select({ id: devices.id })
    .from(devices)
    .where(
      and(gt(devices.id, place), until === undefined ? undefined : lt(devices.claimedAt, until)),
    )
    .orderBy(devices.id)
    .limit(limit)
  const ids = rows.map(({ id }) => id)
  return { ids, next: ids.length < limit ? undefined : ids.at(-1) }
}
