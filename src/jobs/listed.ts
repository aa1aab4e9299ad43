import { clock, inTime, wait } from '../clock.ts'
import { requireConfig } from '../config/config.ts'
import { loadBody, type Bodies } from '../storage/bodies.ts'
import type { Db } from '../storage/db.ts'
import {
  askWatched,
  nextBatchAt,
  quotaOf,
  reasonToStop,
  RESIDENT,
  runBatch,
  watchMore,
} from './batch.ts'
import type { ListedKind, WorkEnv } from './work.ts'
import {
  endJob,
  loadPayload,
  nextPage,
  saveJob,
  savePage,
  totals,
  type JobCounts,
  type JobRow,
  type Page,
} from './rows.ts'

/**
 * How long a job waits for a device's object. The object may still do the work later; a second call then
 * changes nothing.
 */
const PATIENCE = 30_000

/** How long a cancel or a pause waits for the calls under way. */
const CALLS_END = 10_000

/** Waits for the calls under way, so that the counts are final. The alarm logs their failure. */
export async function callsEnded(running: Promise<unknown> | undefined): Promise<void> {
  if (running) {
    const late = Promise.withResolvers<void>()
    const endWait = clock.after(CALLS_END, late.resolve)
    await Promise.race([running.catch(() => 0), late.promise])
    endWait()
  }
}

/** What an object remembers of its job. */
export interface BatchMemory {
  /** Counts of the batch that runs; its outcomes are not stored yet. */
  running: { done: number; failed: number }
  /** The latest calls: a time, and the number of devices that were called. */
  touched: { at: number; count: number }[]
  payload?: Uint8Array
  /** When an admin paused the job (milliseconds); 0 while it goes on. */
  pausedAt: number
}

export function newMemory(): BatchMemory {
  return { running: { done: 0, failed: 0 }, touched: [], pausedAt: 0 }
}

/** A job whose request names its targets, about to do its next batch. */
export interface ListedRun {
  readonly env: WorkEnv
  readonly db: Db
  readonly row: JobRow
  readonly kind: ListedKind
  readonly memory: BatchMemory
}

/** Does the next batch. @returns when to go on; `undefined` when the job has ended. */
export async function runListed(job: ListedRun): Promise<number | undefined> {
  const { env, db, row, kind, memory } = job
  const began = clock.now()
  memory.touched = memory.touched.filter(({ at }) => at > began - RESIDENT)
  const { quota, freeAt } = quotaOf(row, requireConfig(env).jobBurst, memory.touched, began)
  const page = nextPage(db)
  if (!page) {
    endJob(db, row, 'finished')
    return undefined
  }
  if (quota === 0) {
    return freeAt
  }
  if (row.stopAt > 0) {
    row.watch = await askWatched(row.watch, (id) => inTime(PATIENCE, kind.answer(env, id)))
    if (row.state !== 'running' || stopAtLimit(db, row)) {
      return undefined
    }
  }
  const open = { row, payload: payloadOf(job) }
  const { page: after, called } = await runBatch(page, quota, {
    attempt: (id) => inTime(PATIENCE, kind.attempt(env, open, id)),
    stopped: () => row.state !== 'running' || memory.pausedAt > 0,
    pause: () => wait(0),
    done: (outcome) => {
      memory.running.done += 1
      memory.running.failed += Number(typeof outcome === 'string')
    },
  })
  memory.touched.push({ at: clock.now(), count: called.length })
  saveBatch(job, after, called)
  return row.state === 'running' ? nextBatchAt(row, nextPage(db), called.length, began) : undefined
}

/** One commit. */
function saveBatch({ db, row, memory }: ListedRun, page: Page, called: readonly number[]): void {
  savePage(db, page)
  memory.running = { done: 0, failed: 0 }
  if (row.state !== 'running') {
    return
  }
  if (row.stopAt > 0) {
    row.watch = watchMore(row.watch, page, called)
    saveJob(db, row)
  }
  if (totals(db).waiting === 0) {
    endJob(db, row, 'finished')
  } else {
    stopAtLimit(db, row)
  }
}

/** @returns whether the job has reached its error limit, and has stopped. */
function stopAtLimit(db: Db, row: JobRow): boolean {
  const reason = reasonToStop(row, totals(db))
  if (reason === undefined) {
    return false
  }
  endJob(db, row, 'stopped', reason)
  return true
}

/** The counts as they are now, with those of the batch that runs. */
export function countListed(db: Db, { running }: BatchMemory): JobCounts {
  const { waiting, failed } = totals(db)
  return { waiting: waiting - running.done, failed: failed + running.failed }
}

/** The payload is opened only for the work, so that a view needs no key. */
function payloadOf({ env, db, row, memory }: ListedRun): Uint8Array {
  const { name, secret } = row
  memory.payload ??= loadBody(bodiesOf(env, db, name), 'payload', 0, loadPayload(db), secret)
  return memory.payload
}

export function bodiesOf(env: WorkEnv, db: Db, name: string): Bodies {
  return { db, sealer: requireConfig(env).sealer, name: `jobs/${name}` }
}
