import { clock, inTime } from '../../clock.ts'
import type { Env } from '../../env.ts'
import { CONTROL_NAME } from '../../figures/report.ts'
import type { KeyView } from '../../keys/view.ts'
import { warn } from '../../log.ts'
import { reasonOf } from '../../reason.ts'

/** How long a copy counts as current: a revoked key ends everywhere within this time. */
export const KEYS_FRESH = 30_000
/** How long an old copy is used while the object of keys does not answer. */
const USABLE = 10 * 60_000
/** How long a request waits for the object. */
const PATIENCE = 5000
/** The time until the next read after a failed one. */
const PAUSE = 5000
/**
 * Unknown keys, which anyone can send, lead to so many reads a second and no more. A new key may come with
 * several requests at once.
 */
const FOR_UNKNOWN = { within: 1000, reads: 10 }

/** The copy of this isolate. Requests share it, but no read: a read belongs to the request that began it. */
let copy: { readonly at: number; readonly read: number; readonly view: KeyView } | undefined
/** The reads of this isolate are numbered. Those up to `forgotten` may lack a change. */
let reads = 0
let forgotten = 0
let unknown = { since: -Infinity, reads: 0 }
let notBefore = -Infinity

/**
 * Keys and sessions, at most 30 s old.
 *
 * @param asked `mayKnowMore`: the copy does not know a well-formed key, which may be new. `fresh`: a copy
 * will not do, because the request changes keys, and a key that was revoked a moment ago must not.
 * @returns `undefined` when the object of keys does not answer, and there is no copy of the last 10 minutes,
 * or only one that does not know the key
 */
export async function keyView(
  env: Pick<Env, 'CONTROL'>,
  asked: { readonly mayKnowMore?: boolean; readonly fresh?: boolean } = {},
): Promise<KeyView | undefined> {
  const now = clock.now()
  if (asked.fresh === true) {
    return readView(env)
  }
  const isOld = copy === undefined || now - copy.at >= KEYS_FRESH
  const isForUnknown = asked.mayKnowMore === true && mayReadForUnknown(now)
  const read = (isOld || isForUnknown) && now >= notBefore ? await readView(env) : undefined
  if (asked.mayKnowMore === true && read === undefined && clock.now() < notBefore) {
    return undefined
  }
  // A read that was overtaken by a change is good for its own request.
  return copy && clock.now() - copy.at < USABLE ? copy.view : read
}

function mayReadForUnknown(now: number): boolean {
  const isOver = now - unknown.since >= FOR_UNKNOWN.within
  unknown = isOver ? { since: now, reads: 1 } : { ...unknown, reads: unknown.reads + 1 }
  return unknown.reads <= FOR_UNKNOWN.reads
}

/** This isolate has changed keys or sessions: its next request reads them again. */
export function forgetKeys(): void {
  forgotten = reads
  copy = undefined
  notBefore = -Infinity
}

async function readView({ CONTROL }: Pick<Env, 'CONTROL'>): Promise<KeyView | undefined> {
  const at = clock.now()
  const known = copy?.view
  const read = ++reads
  try {
    const answer = CONTROL.getByName(CONTROL_NAME).view(known?.version)
    const view = (await inTime(PATIENCE, answer)) ?? known
    // A read that began before another, or before a change, may know less.
    if (view && read > forgotten && read > (copy?.read ?? 0)) {
      copy = { at, read, view }
    }
    return view
  } catch (error) {
    notBefore = clock.now() + PAUSE
    warn('keys:unreadable', { reason: reasonOf(error) })
    return undefined
  }
}
