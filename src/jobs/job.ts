import { DurableObject } from 'cloudflare:workers'
import { clock, inTime, wait } from '../clock.ts'
import { requireConfig } from '../config/config.ts'
import { loadBody, storeBody, type Bodies } from '../storage/bodies.ts'
import { sqlite } from '../storage/db.ts'
import { removeJob } from '../directory/jobs.ts'
import { log } from '../log.ts'
import { SealError } from '../pki/seal/seal.ts'
import {
  createJob,
  kindOf,
  loadJob,
  loadPayload,
  makeTables,
  nextPage,
  pageFrom,
  PAGE_TARGETS,
  saveJob,
  savePage,
  totals,
  type JobFacts,
  type JobRow,
  type JobState,
  type Outcome,
  type OutcomeKind,
  type Page,
} from './rows.ts'
import {
  askWatched,
  nextRing,
  quotaOf,
  reasonToStop,
  RESIDENT,
  runBatch,
  watchMore,
} from './batch.ts'
import type { WorkEnv } from './kind.ts'
import { JOB_KINDS } from './kinds.ts'
import { OwnError } from '../reason.ts'

export type JobEnv = WorkEnv

/** What a job is to do, to whom. */
export interface JobOrder {
  readonly facts: JobFacts
  readonly payload: Uint8Array
  readonly ids: readonly string[]
  /** Places in `ids` that cannot be done, and why. */
  readonly faults: ReadonlyMap<number, string>
  /** A small one answers when it is through. */
  readonly wait: boolean
}

/** Times are milliseconds; `endedAt` is 0 while it runs. */
export interface JobView {
  readonly name: string
  readonly kind: string
  readonly work: string
  readonly state: JobState
  readonly reason: string
  readonly createdAt: number
  readonly endedAt: number
  readonly total: number
  readonly waiting: number
  readonly failed: number
  readonly pace: number
  readonly stopAt: number
  /** Of the devices that were asked: only a job with a limit of errors asks. */
  readonly answers: { readonly answered: number; readonly failed: number }
}

/** `reused`: another request had made the job of this name. */
export type JobCreated =
  | { readonly kind: 'created' | 'repeated'; readonly job: JobView }
  | { readonly kind: 'reused' }

export interface OutcomePage {
  readonly outcomes: readonly (readonly [string, Outcome])[]
  /** Where the next page begins; `undefined` at the end. */
  readonly next: number | undefined
}

/** How soon a job goes on whose process died. */
const FALLBACK = 5000
const HOUR = 3_600_000
/** How long who cancels may wait for the calls under way. */
const CANCEL_WAIT = 10_000
/** So long a device's object is waited for; what it did then is not done twice. */
const PATIENCE = 30_000
/** How long an ended job can be looked at. */
const KEEP = 30 * 24 * HOUR

/** Long work over many devices: batches of targets, an outcome for each, and its own alarm. */
export class Job extends DurableObject<JobEnv> {
  readonly #db = sqlite(this.ctx.storage.sql)
  #row: JobRow | undefined
  #payload: Uint8Array | undefined
  #ringing: Promise<number> | undefined
  /** What the batch under way has done so far. */
  #batch = { done: 0, failed: 0 }
  #touched: { at: number; count: number }[] = []

  /** The job, if there is one, to who asks for it with a request. */
  async known(request: string): Promise<JobCreated | undefined> {
    return this.#known(request)
  }

  /** Takes the order; it is durable before the answer. */
  async create(order: JobOrder): Promise<JobCreated> {
    const before = this.#known(order.facts.request)
    if (before) {
      return before
    }
    this.ctx.storage.transactionSync(() => {
      makeTables(this.#db)
      const { facts, ids } = order
      const bodies = this.#bodies(facts.name)
      const payload = storeBody(bodies, 'payload', 0, order.payload, facts.secret)
      createJob(
        this.#db,
        {
          ...facts,
          createdAt: clock.now(),
          total: ids.length,
          faults: order.faults.size,
          watch: { open: [], answered: 0, failed: 0 },
          state: 'running',
          reason: '',
          endedAt: 0,
        },
        payload,
        order,
      )
    })
    const job = this.#job()
    if (!job) {
      throw new OwnError('the job was not stored')
    }
    await this.ctx.storage.setAlarm(clock.now() + (order.wait ? FALLBACK : 0))
    if (order.wait) {
      await this.ctx.storage.setAlarm(await this.#ring(job))
    }
    return { kind: 'created', job: this.#view(job) }
  }

  async view(): Promise<JobView | undefined> {
    const job = this.#job()
    return job && this.#view(job)
  }

  /**
   * Queues nobody any more once it has answered; what is queued stays queued. An ended job stays as it is. The calls
   * under way are waited for, so that the counts are final; their failure is the ring's own matter.
   */
  async cancel(): Promise<JobView | undefined> {
    const job = this.#job()
    if (job?.state === 'running') {
      this.#end(job, 'cancelled', '')
    }
    if (this.#ringing) {
      const late = Promise.withResolvers<void>()
      const cancelTimer = clock.after(CANCEL_WAIT, late.resolve)
      await Promise.race([this.#ringing.catch(() => 0), late.promise])
      cancelTimer()
    }
    return job && this.#view(job)
  }

  /** What became of each target, in the order in which they were named, from place `from` on. */
  async outcomes(from: number, limit: number, kind: OutcomeKind | undefined): Promise<OutcomePage> {
    const outcomes: (readonly [string, Outcome])[] = []
    let page = this.#job() && pageFrom(this.#db, Math.floor(from / PAGE_TARGETS), kind)
    while (page) {
      for (const [at, id] of page.ids.entries()) {
        const place = page.n * PAGE_TARGETS + at
        const outcome = page.outcomes[at] ?? null
        if (place < from || (kind !== undefined && kindOf(outcome) !== kind)) {
          continue
        }
        if (outcomes.length === limit) {
          return { outcomes, next: place }
        }
        outcomes.push([id, outcome])
      }
      page = pageFrom(this.#db, page.n + 1, kind)
    }
    return { outcomes, next: undefined }
  }

  /** Its first step arms the next one: a ring that dies with its process is rung again. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(clock.now() + FALLBACK)
    await this.ctx.storage.sync()
    const job = this.#job()
    if (!job) {
      return
    }
    if (job.state === 'running') {
      const next = await this.#ring(job)
      await this.ctx.storage.setAlarm(next)
      return
    }
    const until = job.endedAt + KEEP
    await this.ctx.storage.setAlarm(Math.max(until, clock.now() + HOUR))
    if (until <= clock.now()) {
      await removeJob(this.env.DB, job.name)
      await this.ctx.storage.deleteAll()
      this.#row = undefined
    }
  }

  #known(request: string): JobCreated | undefined {
    const row = this.#job()
    if (!row) {
      return undefined
    }
    return row.request === request ? { kind: 'repeated', job: this.#view(row) } : { kind: 'reused' }
  }

  /** Does one batch; when to ring next is the answer. */
  async #ring(row: JobRow): Promise<number> {
    if (this.#ringing) {
      return clock.now() + FALLBACK
    }
    this.#ringing = this.#batchOf(row)
    try {
      return await this.#ringing
    } catch (error) {
      if (error instanceof SealError) {
        return this.#end(row, 'stopped', error.message)
      }
      throw error
    } finally {
      this.#ringing = undefined
      this.#batch = { done: 0, failed: 0 }
    }
  }

  async #batchOf(row: JobRow): Promise<number> {
    const work = JOB_KINDS[row.kind]
    const began = clock.now()
    this.#touched = this.#touched.filter(({ at }) => at > began - RESIDENT)
    const { quota, freeAt } = quotaOf(row, requireConfig(this.env).jobBurst, this.#touched, began)
    const page = nextPage(this.#db)
    if (!work || !page) {
      return this.#end(row, 'finished', '')
    }
    if (quota === 0) {
      return freeAt
    }
    if (row.stopAt > 0) {
      row.watch = await askWatched(row.watch, (id) => inTime(PATIENCE, work.answer(this.env, id)))
      if (row.state !== 'running') {
        return row.endedAt + KEEP
      }
      const reason = reasonToStop(row, totals(this.#db))
      if (reason !== undefined) {
        return this.#end(row, 'stopped', reason)
      }
    }
    const job = { row, payload: this.#payloadOf(row) }
    const { page: after, called } = await runBatch(page, quota, {
      attempt: (id) => inTime(PATIENCE, work.attempt(this.env, job, id)),
      stopped: () => row.state !== 'running',
      pause: () => wait(0),
      done: (outcome) => {
        this.#batch.done += 1
        this.#batch.failed += Number(typeof outcome === 'string')
      },
    })
    this.#touched.push({ at: clock.now(), count: called.length })
    this.#save(row, after, called)
    return row.state === 'running'
      ? nextRing(row, nextPage(this.#db), called.length, began)
      : row.endedAt + KEEP
  }

  /** One commit, with the alarm that follows it. */
  #save(row: JobRow, page: Page, called: readonly number[]): void {
    savePage(this.#db, page)
    this.#batch = { done: 0, failed: 0 }
    if (row.state !== 'running') {
      return
    }
    const counts = totals(this.#db)
    if (row.stopAt > 0) {
      row.watch = watchMore(row.watch, page, called)
      saveJob(this.#db, row)
    }
    const reason = reasonToStop(row, counts)
    if (counts.waiting === 0) {
      this.#end(row, 'finished', '')
    } else if (reason !== undefined) {
      this.#end(row, 'stopped', reason)
    }
  }

  /** @returns when its object may go */
  #end(row: JobRow, state: JobState, reason: string): number {
    Object.assign(row, { state, reason, endedAt: clock.now() })
    saveJob(this.#db, row)
    log('job:ended', { job: row.name, state, reason })
    return row.endedAt + KEEP
  }

  #job(): JobRow | undefined {
    this.#row ??= loadJob(this.#db)
    return this.#row
  }

  /** Opened only for the work: who looks at a job needs no key. */
  #payloadOf({ name, secret }: JobRow): Uint8Array {
    this.#payload ??= loadBody(this.#bodies(name), 'payload', 0, loadPayload(this.#db), secret)
    return this.#payload
  }

  #bodies(name: string): Bodies {
    return { db: this.#db, sealer: requireConfig(this.env).sealer, name: `jobs/${name}` }
  }

  #view(row: JobRow): JobView {
    const { waiting, failed } = totals(this.#db)
    return {
      name: row.name,
      kind: row.kind,
      work: row.work,
      state: row.state,
      reason: row.reason,
      createdAt: row.createdAt,
      endedAt: row.endedAt,
      total: row.total,
      pace: row.pace,
      stopAt: row.stopAt,
      waiting: waiting - this.#batch.done,
      failed: failed + this.#batch.failed,
      answers: { answered: row.watch.answered, failed: row.watch.failed },
    }
  }
}
