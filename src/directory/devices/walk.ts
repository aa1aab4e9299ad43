import { readAll, select, type Sql, sql } from '../sql.ts'

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
  const meant = until === undefined ? sql`1` : sql`claimed_at < ${until}`
  const ids = await idsAfter(d1, place, limit, meant)
  return { ids, next: ids.length < limit ? undefined : ids.at(-1) }
}

/** The ids of enrolled devices behind a place, in their order. */
export function enrolledAfter(d1: D1Database, place: string, limit: number): Promise<string[]> {
  return idsAfter(d1, place, limit, sql`enrolled`)
}

async function idsAfter(
  d1: D1Database,
  place: string,
  limit: number,
  meant: Sql,
): Promise<string[]> {
  const rest = sql`WHERE id > ${place} AND ${meant} ORDER BY id LIMIT ${limit}`
  const rows = await readAll(d1, select('devices', ['id'], rest))
  return rows.map(({ id }) => id)
}
