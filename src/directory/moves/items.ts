/** The items of a move, sealed: devices, certificates, profiles and the rest. */
import { Buffer } from 'node:buffer'
import { and, asc, eq, gt, inArray, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { Sealer } from '../../pki/seal/seal.ts'
import { MAX_VALUE_BYTES } from '../../storage/bodies.ts'
import { moveItems, moves } from '../schema.ts'

/** The kinds of items, in the order in which they are applied. */
export const ITEM_KINDS = [
  'authority',
  'certificate',
  'profile',
  'challenge',
  'device',
  'kept',
] as const

export type ItemKind = (typeof ITEM_KINDS)[number]

export interface MoveItem {
  readonly kind: ItemKind
  readonly id: string
  readonly data: Uint8Array
}

/** An item with what lists show of it. */
export interface NewItem extends MoveItem {
  readonly digest: string
  readonly topic: string
  readonly standing: string
}

/** What became of an item. `failed`: the next activation tries it again. */
export type ItemOutcome = 'applied' | 'moved' | 'merged' | 'kept' | 'contested' | 'failed'

/**
 * Stores items of an open move, each in place of one with the same id.
 * @returns whether the move is open: its activation may begin at the same time
 */
export async function putItems(
  d1: D1Database,
  sealer: Sealer,
  move: string,
  items: readonly NewItem[],
): Promise<boolean> {
  const db = drizzle(d1)
  const isOpen = sql`EXISTS (SELECT 1 FROM ${moves} WHERE ${moves.id} = ${move} AND ${moves.state} = 'open')`
  const statements = items.flatMap(({ kind, id, data, digest, topic, standing }) => {
    const sealed = Buffer.from(sealer.seal(data, place(move, kind, id)))
    const parts = Math.ceil(sealed.length / MAX_VALUE_BYTES)
    return [
      db.delete(moveItems).where(and(isItem(move, kind, [id]), isOpen)),
      ...Array.from({ length: parts }, (_, part) => {
        const bytes = sealed.subarray(part * MAX_VALUE_BYTES, (part + 1) * MAX_VALUE_BYTES)
        // The order of the table's columns.
        return db.insert(moveItems).select(
          sql`SELECT ${move}, ${kind}, ${id}, ${part}, ${digest}, ${topic}, ${standing}, '',
            ${sql.param(bytes)} WHERE ${isOpen}`,
        )
      }),
    ]
  })
  const state = db.select({ state: moves.state }).from(moves).where(eq(moves.id, move))
  const [rows] = await db.batch([state, ...statements])
  return rows[0]?.state === 'open'
}

/** The next items of a kind that wait, behind an id and in their order: up to `limit`, and about `bytes`. */
export async function waitingItems(
  d1: D1Database,
  sealer: Sealer,
  move: string,
  {
    kind,
    after,
    limit,
    bytes,
  }: {
    readonly kind: ItemKind
    readonly after: string
    readonly limit: number
    readonly bytes: number
  },
): Promise<MoveItem[]> {
  const db = drizzle(d1)
  const waits = and(
    eq(moveItems.move, move),
    eq(moveItems.kind, kind),
    gt(moveItems.id, after),
    eq(moveItems.outcome, ''),
  )
  const sizes = await db
    .select({ id: moveItems.id, size: sql<number>`sum(length(${moveItems.data}))` })
    .from(moveItems)
    .where(waits)
    .groupBy(moveItems.id)
    .orderBy(asc(moveItems.id))
    .limit(limit)
  let total = 0
  const ids = sizes.filter(({ size }, n) => (total += size) <= bytes || n === 0).map(({ id }) => id)
  if (ids.length === 0) {
    return []
  }
  const rows = await db
    .select({ id: moveItems.id, data: moveItems.data })
    .from(moveItems)
    .where(isItem(move, kind, ids))
    .orderBy(asc(moveItems.id), asc(moveItems.part))
  return ids.map((id) => {
    const parts = rows.flatMap((row) =>
      row.id === id && row.data ? [new Uint8Array(row.data)] : [],
    )
    return {
      kind,
      id,
      data: sealer.open(new Uint8Array(Buffer.concat(parts)), place(move, kind, id)),
    }
  })
}

/** Notes what became of items. Applied ones lose their data: it is where it belongs. */
export async function settleItems(
  d1: D1Database,
  move: string,
  kind: ItemKind,
  outcomes: ReadonlyMap<string, ItemOutcome>,
): Promise<void> {
  const listed = sql`json_each(${JSON.stringify(Object.fromEntries(outcomes))}) AS listed`
  const outcome = sql`(SELECT listed.value FROM ${listed} WHERE listed.key = ${moveItems.id})`
  const keepsData = kind === 'kept' ? sql`1` : sql`${outcome} = 'failed'`
  // With the ids as a list, SQLite looks each of them up. A join would read all items of the kind.
  await drizzle(d1)
    .update(moveItems)
    .set({ outcome, data: sql`CASE WHEN ${keepsData} THEN ${moveItems.data} END` })
    .where(
      and(
        eq(moveItems.move, move),
        eq(moveItems.kind, kind),
        sql`${moveItems.id} IN (SELECT listed.key FROM ${listed})`,
      ),
    )
}

export interface ListedItem {
  readonly kind: string
  readonly id: string
  readonly digest: string
  readonly standing: string
  readonly outcome: string
}

/** A page of the items of a kind, behind an id. */
export async function listItems(
  d1: D1Database,
  move: string,
  page: { readonly kind: ItemKind; readonly after: string; readonly limit: number },
): Promise<ListedItem[]> {
  const { kind, id, digest, standing, outcome } = moveItems
  return drizzle(d1)
    .select({ kind, id, digest, standing, outcome })
    .from(moveItems)
    .where(
      and(eq(moveItems.move, move), eq(kind, page.kind), eq(moveItems.part, 0), gt(id, page.after)),
    )
    .orderBy(asc(id))
    .limit(page.limit)
}

/** How many items of a move there are, by what lists show of them. */
export async function countItems(d1: D1Database, move: string) {
  const { kind, topic, standing, outcome } = moveItems
  return drizzle(d1)
    .select({ kind, topic, standing, outcome, count: sql<number>`count(*)` })
    .from(moveItems)
    .where(and(eq(moveItems.move, move), eq(moveItems.part, 0)))
    .groupBy(kind, topic, standing, outcome)
}

export type ItemCounts = Awaited<ReturnType<typeof countItems>>

/** Whether a move that is being applied has a record of a device that waits, or that failed so far. */
export function isMoving(device: SQL): SQL {
  return sql`EXISTS (SELECT 1 FROM ${moves} JOIN ${moveItems} ON ${moveItems.move} = ${moves.id}
    WHERE ${moves.state} = 'activating' AND ${moveItems.kind} = 'device' AND ${moveItems.id} = ${device}
      AND ${moveItems.outcome} IN ('', 'failed'))`
}

function isItem(move: string, kind: ItemKind, ids: readonly string[]) {
  return and(eq(moveItems.move, move), eq(moveItems.kind, kind), inArray(moveItems.id, [...ids]))
}

function place(move: string, kind: ItemKind, id: string): string {
  return `moves/${move}/${kind}/${id}`
}

/** How many items could not be applied. */
export async function countFailed(d1: D1Database, move: string): Promise<number> {
  return drizzle(d1).$count(
    moveItems,
    and(eq(moveItems.move, move), eq(moveItems.outcome, 'failed'), eq(moveItems.part, 0)),
  )
}
