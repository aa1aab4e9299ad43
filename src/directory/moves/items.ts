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
  'setup_user',
  'blueprint',
  'dep_key',
  'dep_account',
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

export interface ItemEnd {
  readonly outcome: ItemOutcome
  /** What the item lacks; of one that is `kept`, why it is not taken up. */
  readonly remark?: string
}

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
  return openItems(d1, sealer, move, kind, ids)
}

/** The item with its data; undefined if there is none, or its data is where it belongs. */
export async function readItem(
  d1: D1Database,
  sealer: Sealer,
  move: string,
  { kind, id }: Pick<MoveItem, 'kind' | 'id'>,
): Promise<MoveItem | undefined> {
  const [item] = await openItems(d1, sealer, move, kind, [id])
  return item
}

async function openItems(
  d1: D1Database,
  sealer: Sealer,
  move: string,
  kind: ItemKind,
  ids: readonly string[],
): Promise<MoveItem[]> {
  const meant = sql`WHERE move = ${move} AND kind = ${kind} AND id IN ${among(ids)} ORDER BY id, part`
  const rows = ids.length === 0 ? [] : await readAll(d1, select('moveItems', ['id', 'data'], meant))
  return ids.flatMap((id) => {
    const parts = rows.flatMap((row) =>
      row.id === id && row.data ? [new Uint8Array(row.data)] : [],
    )
    const sealed = new Uint8Array(Buffer.concat(parts))
    return parts.length === 0
      ? []
      : [{ kind, id, data: sealer.open(sealed, place(move, kind, id)) }]
  })
}

/**
 * Notes what became of items. They lose their data where it belongs elsewhere, or where what is here stays.
 */
export async function settleItems(
  d1: D1Database,
  move: string,
  kind: ItemKind,
  outcomes: ReadonlyMap<string, ItemEnd>,
): Promise<void> {
  const ends = [...outcomes].map(([id, { outcome, remark = '' }]) => {
    const keepsData =
      kind === 'kept' || outcome === 'failed' || (outcome === 'kept' && remark !== '')
    return [id, [outcome, remark, Number(keepsData)]]
  })
  const listed = sql`json_each(${JSON.stringify(Object.fromEntries(ends))}) AS listed`
  // With the ids as a list, SQLite looks each of them up. A join would read all items of the kind.
  const settle = sql`UPDATE move_items SET (outcome, remark, data) =
      (SELECT listed.value ->> 0, listed.value ->> 1, iif(listed.value ->> 2, data, NULL)
        FROM ${listed} WHERE listed.key = move_items.id)
    WHERE move = ${move} AND kind = ${kind} AND id IN (SELECT listed.key FROM ${listed})`
  await write(d1, settle)
}

/** Of some items, those that an earlier move has brought: an admin may have removed or changed them since. */
export async function broughtBefore(
  d1: D1Database,
  move: string,
  kind: ItemKind,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await readAll(
    d1,
    sql<{ id: string }>`SELECT id FROM move_items WHERE kind = ${kind} AND id IN ${among(ids)}
      AND move IN (SELECT moves.id FROM moves WHERE moves.id <> ${move} AND state = 'active')
      AND (outcome = 'applied' OR (outcome = 'kept' AND remark = ''))`,
  )
  return new Set(rows.map(({ id }) => id))
}

export interface ListedItem {
  readonly kind: string
  readonly id: string
  readonly digest: string
  readonly standing: string
  readonly outcome: string
  readonly remark: string
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
  const keys = ['kind', 'id', 'digest', 'standing', 'outcome', 'remark'] as const
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
