import { clock, inTime, wait } from '../clock.ts'
import { reasonOf } from '../reason.ts'
import { debug } from '../log.ts'
import type { LiveEntry } from './entry.ts'
import { watchedUntil } from './watched.ts'

/** What an isolate hands to the object Live. `skipped`: so many more had no place. */
export interface LiveLot {
  readonly entries: readonly LiveEntry[]
  readonly skipped: number
}

/** Bindings of those that publish. */
export interface PublishEnv {
  readonly LIVE: {
    /** `publish` answers how long the isolate has to gather before its next call (milliseconds). */
    getByName(name: string): { publish(lot: LiveLot): Promise<number> }
  }
}

/** The one object that the whole fleet is watched through. */
export const LIVE_NAME = 'live'

/** An isolate calls at most this often. What happens meanwhile goes together. */
const WINDOW = 100
/** After a failed call. */
const PAUSE = 5000
const PATIENCE = 5000
/** A request that has not finished by then has ended: another one takes over. */
const TURN = 3 * PATIENCE
/** A lot, and the share of one device in it: others have room whatever one device does. */
const MAX_LOT = 100
const MAX_OF_DEVICE = 20

/**
 * What this isolate has not handed on. `sendingSince`: a call is under way since then, in a request or object
 * that may have ended with it. Times are milliseconds.
 */
const waiting = {
  entries: new Array<LiveEntry>(),
  skipped: 0,
  sendingSince: -Infinity,
  notBefore: 0,
}

/**
 * Hands entries to the object Live, behind whatever caused them. While no page watches it does nothing. If a
 * call fails, its entries are lost, and the next call says how many are missing.
 *
 * @param later keeps the isolate alive for it
 */
export function publishSoon(
  { LIVE }: PublishEnv,
  entries: readonly LiveEntry[],
  later: (work: Promise<void>) => void,
): void {
  const now = clock.now()
  if (entries.length === 0 || watchedUntil() <= now) {
    return
  }
  for (const entry of entries) {
    const ofDevice = waiting.entries.filter(({ device }) => device === entry.device).length
    const isFull = entry.device !== undefined && ofDevice >= MAX_OF_DEVICE
    if (isFull || waiting.entries.length >= MAX_LOT) {
      waiting.skipped += 1
    } else {
      waiting.entries.push(entry)
    }
  }
  if (now - waiting.sendingSince > TURN) {
    waiting.sendingSince = now
    later(send(LIVE, now))
  }
}

/** Calls until nothing waits, or until another request has taken over. */
async function send(LIVE: PublishEnv['LIVE'], since: number): Promise<void> {
  while (waiting.entries.length > 0 && waiting.sendingSince === since) {
    await wait(Math.max(0, waiting.notBefore - clock.now()))
    await sendLot(LIVE)
  }
  if (waiting.sendingSince === since) {
    waiting.sendingSince = -Infinity
  }
}

async function sendLot(LIVE: PublishEnv['LIVE']): Promise<void> {
  const { entries, skipped } = waiting
  Object.assign(waiting, { entries: [], skipped: 0, notBefore: clock.now() + WINDOW })
  try {
    const pause = await inTime(PATIENCE, LIVE.getByName(LIVE_NAME).publish({ entries, skipped }))
    waiting.notBefore = Math.max(waiting.notBefore, clock.now() + pause)
  } catch (error) {
    waiting.skipped += entries.length + skipped
    waiting.notBefore = clock.now() + PAUSE
    debug('live:not-published', { reason: reasonOf(error) })
  }
}

/** Tells that a job has another state or got on. */
export function publishJob(
  env: PublishEnv,
  context: Pick<ExecutionContext, 'waitUntil'>,
  job: string,
): void {
  publishSoon(env, [{ kind: 'job.changed', job, at: clock.now() }], (work) => {
    context.waitUntil(work)
  })
}
