/** Fleets that come from another server: docs/move-from-micromdm.md. */
import type { moves } from '../schema.ts'
import { insert, readAll, readOne, select, sql, writeAll } from '../sql.ts'

export type Move = typeof moves.$inferSelect
export type MoveState = 'open' | 'activating' | 'active'

const KEYS = [
  'id',
  'source',
  'name',
  'digest',
  'state',
  'createdAt',
  'activatedAt',
  'endedAt',
  'odd',
] as const

/** Begins a move. One that is not active yet is replaced, unless its activation has begun. */
export async function openMove(
  d1: D1Database,
  { id, source, name, digest, state, createdAt, odd }: Omit<Move, 'activatedAt' | 'endedAt'>,
): Promise<void> {
  await writeAll(d1, [
    sql`DELETE FROM move_items WHERE move IN (SELECT id FROM moves WHERE state = 'open')`,
    sql`DELETE FROM moves WHERE state = 'open'`,
    insert('moves', { id, source, name, digest, state, createdAt, odd }),
  ])
}

/** The move that is not active yet, if there is one. */
export function unfinishedMove(d1: D1Database): Promise<Move | undefined> {
  return readOne(d1, select('moves', KEYS, sql`WHERE state <> 'active'`))
}

/** All moves, the newest first. */
export function listMoves(d1: D1Database): Promise<Move[]> {
  return readAll(d1, select('moves', KEYS, sql`ORDER BY created_at DESC, id`))
}

export function findMove(d1: D1Database, id: string): Promise<Move | undefined> {
  return readOne(d1, select('moves', KEYS, sql`WHERE id = ${id}`))
}

/**
 * From now on the move is applied: nothing takes it back. Items that failed before are tried again.
 * @returns false if it is active already
 */
export async function beginActivation(d1: D1Database, id: string, now: number): Promise<boolean> {
  const [, { meta }] = await writeAll(d1, [
    sql`UPDATE move_items SET outcome = '' WHERE move = ${id} AND outcome = 'failed'`,
    sql`UPDATE moves SET state = 'activating', activated_at = iif(activated_at = 0, ${now}, activated_at)
      WHERE id = ${id} AND state <> 'active'`,
  ])
  return meta.changes > 0
}

/** The move is complete. What earlier moves kept of the same things is replaced. */
export async function endActivation(d1: D1Database, id: string, now: number): Promise<void> {
  await writeAll(d1, [
    sql`UPDATE moves SET state = 'active', ended_at = ${now} WHERE id = ${id}`,
    sql`DELETE FROM move_items WHERE move <> ${id} AND kind = 'kept'
      AND id IN (SELECT kept.id FROM move_items AS kept WHERE kept.move = ${id} AND kept.kind = 'kept')`,
  ])
}

/** Removes a move that is open. @returns false if there is none */
export async function discardMove(d1: D1Database, id: string): Promise<boolean> {
  const [, { meta }] = await writeAll(d1, [
    sql`DELETE FROM move_items
      WHERE move = ${id} AND EXISTS (SELECT 1 FROM moves WHERE id = ${id} AND state = 'open')`,
    sql`DELETE FROM moves WHERE id = ${id} AND state = 'open'`,
  ])
  return meta.changes > 0
}
