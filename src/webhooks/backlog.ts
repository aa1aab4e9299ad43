import { START, walkPage } from '../directory/devices/walk.ts'

const PAGE = 200
/** The walk reads its next page when fewer devices than these wait. */
const ENOUGH = 50
/** A shorter wave of events is no backlog: at a steady rate each wave would write its mark and an alarm. */
const LASTING = 2000
const PLACE = 'walk'
const BACKLOG = 'backlog'

/** Since when many devices wait. */
export interface Backlog {
  manySince: number | undefined
}

/** Begins a walk over all devices: after a pause the object does not know which of them have events. */
export function beginWalk(kv: SyncKvStorage): void {
  if (kv.get(PLACE) !== START) {
    kv.put(PLACE, START)
  }
}

/** The next page of a walk that goes on, when few devices wait. A crash does not end the walk. */
export async function walk(
  d1: D1Database,
  kv: SyncKvStorage,
  waiting: number,
): Promise<readonly string[]> {
  const place = kv.get<string>(PLACE)
  if (place === undefined || waiting >= ENOUGH) {
    return []
  }
  const { ids, next } = await walkPage(d1, place, PAGE)
  if (kv.get(PLACE) !== place) {
    // Meanwhile another walk has begun, or the webhook was removed and nothing may be written any more.
    return walk(d1, kv, waiting)
  }
  if (next === undefined) {
    kv.delete(PLACE)
  } else {
    kv.put(PLACE, next)
  }
  return ids
}

/**
 * Only memory knows which devices wait. The storage has a mark while they are many for some time.
 * @returns whether the mark was made now. The caller then arms the alarm, which restores the object after a
 * crash.
 */
export function markBacklog(
  kv: SyncKvStorage,
  backlog: Backlog,
  waiting: number,
  now: number,
): boolean {
  const isMarked = kv.get(BACKLOG) === true
  const since = waiting < ENOUGH ? undefined : (backlog.manySince ?? now)
  backlog.manySince = since
  if (!isMarked && since !== undefined && now - since >= LASTING) {
    kv.put(BACKLOG, true)
    return true
  }
  if (isMarked && waiting === 0) {
    kv.delete(BACKLOG)
  }
  return false
}

/** Begins a walk when the object died with a backlog. */
export function resumeBacklog(kv: SyncKvStorage): void {
  if (kv.get(BACKLOG) === true) {
    beginWalk(kv)
  }
}

/** Removes the mark. A backlog that is still there is marked again. */
export function unmarkBacklog(kv: SyncKvStorage): void {
  kv.delete(BACKLOG)
}
