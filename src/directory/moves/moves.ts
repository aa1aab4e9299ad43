/** Fleets that come from another server: docs/move-from-micromdm.md. */
import { and, desc, eq, ne, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { moveItems, moves } from '../schema.ts'

export type Move = typeof moves.$inferSelect
export type MoveState = 'open' | 'activating' | 'active'

/** Begins a move. One that is not active yet is replaced, unless its activation has begun. */
export async function openMove(d1: D1Database, move: Omit<Move, 'activatedAt' | 'endedAt'>) {
  const db = drizzle(d1)
  const isOver = sql`${moveItems.move} IN (SELECT ${moves.id} FROM ${moves} WHERE ${moves.state} = 'open')`
  await db.batch([
    db.delete(moveItems).where(isOver),
    db.delete(moves).where(eq(moves.state, 'open')),
    db.insert(moves).values(move),
  ])
}

/** The move that is not active yet, if there is one. */
export async function unfinishedMove(d1: D1Database): Promise<Move | undefined> {
  const [move] = await drizzle(d1).select().from(moves).where(ne(moves.state, 'active'))
  return move
}

/** All moves, the newest first. */
export async function listMoves(d1: D1Database): Promise<Move[]> {
  return drizzle(d1).select().from(moves).orderBy(desc(moves.createdAt), moves.id)
}

export async function findMove(d1: D1Database, id: string): Promise<Move | undefined> {
  const [move] = await drizzle(d1).select().from(moves).where(eq(moves.id, id))
  return move
}

/**
 * From now on the move is applied: nothing takes it back. Items that failed before are tried again.
 * @returns false if it is active already
 */
export async function beginActivation(d1: D1Database, id: string, now: number): Promise<boolean> {
  const db = drizzle(d1)
  const [, changed] = await db.batch([
    db
      .update(moveItems)
      .set({ outcome: '' })
      .where(and(eq(moveItems.move, id), eq(moveItems.outcome, 'failed'))),
    db
      .update(moves)
      .set({
        state: 'activating',
        activatedAt: sql`iif(${moves.activatedAt} = 0, ${now}, ${moves.activatedAt})`,
      })
      .where(and(eq(moves.id, id), ne(moves.state, 'active')))
      .returning({ id: moves.id }),
  ])
  return changed.length > 0
}

/** The move is complete. What earlier moves kept of the same things is replaced. */
export async function endActivation(d1: D1Database, id: string, now: number): Promise<void> {
  const db = drizzle(d1)
  await db.batch([
    db.update(moves).set({ state: 'active', endedAt: now }).where(eq(moves.id, id)),
    db.delete(moveItems).where(
      and(
        ne(moveItems.move, id),
        eq(moveItems.kind, 'kept'),
        sql`${moveItems.id} IN (SELECT kept.id FROM ${moveItems} AS kept
          WHERE kept.move = ${id} AND kept.kind = 'kept')`,
      ),
    ),
  ])
}

/** Removes a move that is open. @returns false if there is none */
export async function discardMove(d1: D1Database, id: string): Promise<boolean> {
  const db = drizzle(d1)
  const isOpen = sql`EXISTS (SELECT 1 FROM ${moves} WHERE ${moves.id} = ${id} AND ${moves.state} = 'open')`
  const [, removed] = await db.batch([
    db.delete(moveItems).where(and(eq(moveItems.move, id), isOpen)),
    db
      .delete(moves)
      .where(and(eq(moves.id, id), eq(moves.state, 'open')))
      .returning({ id: moves.id }),
  ])
  return removed.length > 0
}
