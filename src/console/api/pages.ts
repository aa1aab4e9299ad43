import type { Fault } from './fault.ts'

type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: Fault }

interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

/**
 * Reads a list to its end, page by page.
 *
 * @param read reads a page; the cursor of the first one is empty
 * @param onPage is told how many items there are so far
 */
export async function readPages<Item>(
  read: (cursor: string) => Promise<Outcome<Page<Item>>>,
  onPage: (count: number) => void = () => {},
): Promise<Outcome<readonly Item[]>> {
  const all: Item[] = []
  for (let cursor = ''; ;) {
    const answer = await read(cursor)
    if (!answer.ok) {
      return answer
    }
    const { items, next } = answer.value
    all.push(...items)
    onPage(all.length)
    if (next === null) {
      return { ok: true, value: all }
    }
    cursor = next
  }
}
