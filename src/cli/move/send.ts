import { Buffer } from 'node:buffer'
import { MOST } from '../../migration/records.ts'
import { ApiError } from '../api-client.ts'
import type { Progress } from '../progress.ts'
import { type Call, itemsAt, storeItems } from './client.ts'
import type { Remark } from './fit.ts'
import { type PlannedItem, SENT_KINDS } from './plan.ts'

/** Of a request, in base64. A single item may be longer. */
const BATCH_CHARACTERS = 4_000_000
const REFUSED = 400

export interface SentItems {
  /** How many the server did not have. */
  readonly sent: number
  /** Items that the server does not take: they stay as they came. */
  readonly refused: readonly Remark[]
}

/** Sends the items that the server does not have as they are now. */
export async function sendItems(
  call: Call,
  move: string,
  items: readonly PlannedItem[],
  progress: Progress,
): Promise<SentItems> {
  const missing = await missingItems(call, move, items)
  const refused: Remark[] = []
  let done = items.length - missing.length
  for (const batch of batchesOf(missing)) {
    refused.push(...(await storeOrKeep(call, move, batch)))
    done += batch.length
    progress.show('Sent', done, items.length)
  }
  progress.end()
  return { sent: missing.length, refused }
}

/** One item that the server refuses does not hold up the others. */
async function storeOrKeep(
  call: Call,
  move: string,
  batch: readonly PlannedItem[],
): Promise<Remark[]> {
  try {
    await storeItems(call, move, batch.map(encoded))
    return []
  } catch (error) {
    const [first] = batch
    if (!(error instanceof ApiError) || error.status !== REFUSED || !first) {
      throw error
    }
    if (batch.length > 1) {
      const half = Math.ceil(batch.length / 2)
      const before = await storeOrKeep(call, move, batch.slice(0, half))
      return [...before, ...(await storeOrKeep(call, move, batch.slice(half)))]
    }
    const { kind, id } = first
    const name = `refused/${kind}/${id}`.slice(0, MOST.idCharacters)
    await storeItems(call, move, [encoded({ ...first, kind: 'kept', id: name })])
    return [{ what: 'refused', about: `${kind} ${id}`, detail: error.message }]
  }
}

function encoded({ kind, id, data }: PlannedItem) {
  return { kind, id, data: Buffer.from(data).toString('base64') }
}

async function missingItems(
  call: Call,
  move: string,
  items: readonly PlannedItem[],
): Promise<PlannedItem[]> {
  const known = new Map<string, string>()
  for (const kind of SENT_KINDS) {
    for await (const { id, digest } of itemsAt(call, move, kind)) {
      known.set(`${kind}/${id}`, digest)
    }
  }
  return items.filter(({ kind, id, digest }) => known.get(`${kind}/${id}`) !== digest)
}

/** In their order. */
export function batchesOf(items: readonly PlannedItem[]): PlannedItem[][] {
  const batches: PlannedItem[][] = []
  let characters = 0
  for (const item of items) {
    const size = Math.ceil(item.data.length / 3) * 4
    const last = batches.at(-1)
    if (last && last.length < MOST.items && characters + size <= BATCH_CHARACTERS) {
      last.push(item)
      characters += size
    } else {
      batches.push([item])
      characters = size
    }
  }
  return batches
}
