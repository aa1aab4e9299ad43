/** The items of a move, sealed: devices, certificates, profiles and the rest. */
import { Buffer } from 'node:buffer'
import type { Sealer } from '../../pki/seal/seal.ts'
import { MAX_VALUE_BYTES } from '../../storage/bodies.ts'
import { among, countRows, readAll, select, type Sql, sql, write, writeAll } from '../sql.ts'

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
  const isOpen = sql`EXISTS (SELECT 1 FROM moves WHERE moves.id = ${move} AND state = 'open')`
  const statements = items.flatMap(({ kind, id, data, digest, topic, standing }) => {
    const sealed = sealer.seal(data, place(move, kind, id))
    const parts = Math.ceil(sealed.length / MAX_VALUE_BYTES)
    return [
      sql`DELETE FROM move_items WHERE move = ${move} AND kind = ${kind} AND id = ${id} AND ${isOpen}`,
      ...Array.from({ length: parts }, (_, part) => {
        const bytes = sealed.subarray(part * MAX_VALUE_BYTES, (part + 1) * MAX_VALUE_BYTES)
        return sql`INSERT INTO move_items (move, kind, id, part, digest, topic, standing, data)
          SELECT ${move}, ${kind}, ${id}, ${part}, ${digest}, ${topic}, ${standing}, ${bytes} WHERE ${isOpen}`
      }),
    ]
  })
  const state = select('moves', ['state'], sql`WHERE id = ${move}`)
  const [{ results }] = await writeAll(d1, [state, ...statements])
  return results[0]?.state === 'open'
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
  const sizes = await readAll(
    d1,
    sql<{ id: string; size: number }>`SELECT id, sum(length(data)) AS size FROM move_items
      WHERE move = ${move} AND kind = ${kind} AND id > ${after} AND outcome = ''
      GROUP BY id ORDER BY id LIMIT ${limit}`,
  )
  let total = 0
  const ids = sizes.filter(({ size }, n) => (total += size) <= bytes || n === 0).map(({ id }) => id)
  const meant = sql`WHERE move = ${move} AND kind = ${kind} AND id IN ${among(ids)} ORDER BY id, part`
  const rows = ids.length === 0 ? [] : await readAll(d1, select('moveItems', ['id', 'data'], meant))
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
  const outcome = sql`(SELECT listed.value FROM ${listed} WHERE listed.key = move_items.id)`
  const keepsData = kind === 'kept' ? sql`1` : sql`${outcome} = 'failed'`
  // With the ids as a list, SQLite looks each of them up. A join would read all items of the kind.
  const settle = sql`UPDATE move_items SET outcome = ${outcome}, data = CASE WHEN ${keepsData} THEN data END
    WHERE move = ${move} AND kind = ${kind} AND id IN (SELECT listed.key FROM ${listed})`
  await write(d1, settle)
}

export interface ListedItem {
  readonly kind: string
  readonly id: string
  readonly digest: string
  readonly standing: string
  readonly outcome: string
}

/** A page of the items of a kind, behind an id. */
export function listItems(
  d1: D1Database,
  move: string,
  {
    kind,
    after,
    limit,
  }: { readonly kind: ItemKind; readonly after: string; readonly limit: number },
): Promise<ListedItem[]> {
  const meant = sql`WHERE move = ${move} AND kind = ${kind} AND part = 0 AND id > ${after}
    ORDER BY id LIMIT ${limit}`
  const keys = ['kind', 'id', 'digest', 'standing', 'outcome'] as const
  return readAll(d1, select('moveItems', keys, meant))
}

/** How many items of a move there are, by what lists show of them. */
export function countItems(d1: D1Database, move: string) {
  const meant = sql`WHERE move = ${move} AND part = 0 GROUP BY kind, topic, standing, outcome`
  const keys = ['kind', 'topic', 'standing', 'outcome'] as const
  return readAll(d1, select('moveItems', keys, meant, { count: sql<number>`count(*)` }))
}

export type ItemCounts = Awaited<ReturnType<typeof countItems>>

/** Whether a move that is being applied has a record of a device that waits, or that failed so far. */
export function isMoving(device: Sql): Sql {
  return sql`EXISTS (SELECT 1 FROM moves JOIN move_items ON move_items.move = moves.id
    WHERE moves.state = 'activating' AND move_items.kind = 'device' AND move_items.id = ${device}
      AND move_items.outcome IN ('', 'failed'))`
}

function place(move: string, kind: ItemKind, id: string): string {
  return `moves/${move}/${kind}/${id}`
}

/** How many items could not be applied. */
export async function countFailed(d1: D1Database, move: string): Promise<number> {
  return countRows(d1, 'moveItems', sql`move = ${move} AND outcome = 'failed' AND part = 0`)
}
