import { idsAfter } from '../directory/devices/rows.ts'

/** Devices that are asked at a time whether something waits for the webhook. */
const PAGE = 200
/** Fewer than these have to wait before the next page is taken. */
const ENOUGH = 50
const PLACE = 'walk'
const BACKLOG = 'backlog'

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
  if (kv.get(PLACE) !== place) {
    // Meanwhile it was begun anew, or the webhook was removed and nothing may be written any more.
    return walk(d1, kv, waiting)
  }
  const last = page.at(-1)
  if (page.length < PAGE || last === undefined) {
    kv.delete(PLACE)
  } else {
    kv.put(PLACE, last)
  }
  return page
}

/**
 * Devices that wait are known to memory alone: that there are many is written, once, and again when there are none.
 * @returns whether it was written now: the object has to come back by itself, should it die.
 */
export function markBacklog(kv: SyncKvStorage, waiting: number): boolean {
  const isMarked = kv.get(BACKLOG) === true
  if (!isMarked && waiting >= ENOUGH) {
    kv.put(BACKLOG, true)
    return true
  }
  if (isMarked && waiting === 0) {
    kv.delete(BACKLOG)
  }
  return false
}

/** An object that comes to life after one that died with a backlog asks all devices, as after a pause. */
export function resumeBacklog(kv: SyncKvStorage): void {
  if (kv.get(BACKLOG) === true) {
    beginWalk(kv)
  }
}

/** A backlog that is still there is to be marked anew. */
export function unmarkBacklog(kv: SyncKvStorage): void {
  kv.delete(BACKLOG)
}
