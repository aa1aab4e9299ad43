import { idsAfter } from '../directory/directory.ts'

/** Devices that are asked at a time whether something waits for the webhook. */
const PAGE = 200
/** Fewer than these have to wait before the next page is taken. */
const ENOUGH = 50
const PLACE = 'walk'

/** After a pause nobody remembers which devices have news: all of them are asked, page by page. */
export function beginWalk(kv: SyncKvStorage): void {
  kv.put(PLACE, '')
}

/** The next page of a walk under way, as soon as few devices wait; the walk goes on behind it after a crash. */
export async function walk(
  d1: D1Database,
  kv: SyncKvStorage,
  waiting: number,
): Promise<readonly string[]> {
  const place = kv.get<string>(PLACE)
  if (place === undefined || waiting >= ENOUGH) {
    return []
  }
  const page = await idsAfter(d1, place, PAGE)
  const last = page.at(-1)
  if (page.length < PAGE || last === undefined) {
    kv.delete(PLACE)
  } else {
    kv.put(PLACE, last)
  }
  return page
}
