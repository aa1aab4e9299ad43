import { DurableObject } from 'cloudflare:workers'
import { clock } from '../clock.ts'
import { addJob, removeJob } from '../directory/jobs.ts'
import { SealError } from '../pki/seal/seal.ts'
import { storeBody } from '../storage/bodies.ts'
import { sqlite, type Db } from '../storage/db.ts'
import type { RoundEnv, RoundKind, RoundSettings } from './work.ts'
import { isRound, JOB_KINDS } from './kinds.ts'
import { bodiesOf, countListed, newMemory, runListed } from './listed.ts'
import {
  createJob,
  endJob,
  loadJob,
  newJob,
  saveJob,
  type JobFacts,
  type JobRow,
  type OutcomeKind,
  JOB_TABLES,
} from './rows.ts'
import { listOutcomes, viewOf, type JobView, type OutcomePage } from './view.ts'
import { withTables } from '../storage/tables.ts'

/** The work of a new job, and its targets. */
export interface JobOrder {
  readonly facts: JobFacts
  readonly payload: Uint8Array
  readonly ids: readonly string[]
  /** Places in `ids` that cannot be done, and why. */
  readonly faults: ReadonlyMap<number, string>
  /** Do the first batch before the answer. */
  readonly wait: boolean
}

/** `reused`: another request had made the job of this name. */
export type JobCreated =
  | { readonly kind: 'created' | 'repeated'; readonly job: JobView }
  | { readonly kind: 'reused' }

/** A job whose process died goes on after this time. */
const FALLBACK = 5000
/** A round also waits so long after a step that failed, because D1 does not answer for example. */
const ROUND_FALLBACK = 60_000
const HOUR = 3_600_000
/** How long a cancel waits for the calls under way. */
const CANCEL_WAIT = 10_000
/** How long a job is kept after its end. */
const KEEP = 30 * 24 * HOUR
const SETTINGS = 'settings'

/**
 * Long work over many devices, in batches on one alarm (docs/bulk.md). A listed job has pages of targets and
 * an outcome for each. A round finds its devices itself, and begins anew under its well-known name.
 */
export class Job extends DurableObject<RoundEnv> {
  static readonly schema = 1
  #opened: Db | undefined
  #row: JobRow | undefined
  #running: Promise<number | undefined> | undefined
  #memory = newMemory()
  /** A request waits for the round: it does not end with the step that is under way. */
  #again = false

  /** The job that a request has made; `undefined` when there is none. */
  async known(request: string): Promise<JobCreated | undefined> {
    return this.#known(request)
  }

  /** Stores the job. It is durable before the answer. */
  async create(order: JobOrder): Promise<JobCreated> {
    const before = this.#known(order.facts.request)
    if (before) {
      return before
    }
    const { facts, ids, faults } = order
    const job = newJob(facts, { now: clock.now(), total: ids.length, faults: faults.size })
    this.#store(() => {
      const payload = storeBody(
        bodiesOf(this.env, this.#db, facts.name),
        'payload',
        0,
        order.payload,
        facts.secret,
      )
      createJob(this.#db, job, payload, order)
    })
    this.#row = job
    await this.ctx.storage.setAlarm(clock.now() + (order.wait ? FALLBACK : 0))
    if (order.wait) {
      await this.#goOn(job)
    }
    return { kind: 'created', job: this.#view(job) }
  }

  /**
   * Begins a round. A round that goes on is left alone, but one that a request waits for goes on at once: the
   * alarm of a process that died may be a minute away. It takes one more step, because the last one may have
   * seen nothing of the request yet. A crash may list a round that was never stored.
   */
  async start(round: Pick<JobFacts, 'name' | 'kind' | 'work'>): Promise<void> {
    if (this.#job()?.state === 'running') {
      if (round.kind === 'move' || round.kind === 'declarations') {
        this.#again = true
        const rings = this.#running ? 0 : await this.ctx.storage.getAlarm()
        if (rings === null || rings > clock.now()) {
          await this.ctx.storage.setAlarm(clock.now())
        }
      }
      return
    }
    const now = clock.now()
    await addJob(this.env.DB, { id: round.name, createdAt: now })
    const before = this.#job()
    if (before?.state === 'running') {
      return
    }
    const facts = { ...round, request: '', secret: false, pace: 0, stopAt: 0 }
    const job = newJob(facts, { now, total: 0, faults: 0 })
    this.#store(() => {
      createJob(this.#db, job, null, { ids: [], faults: new Map() })
    })
    this.#row = job
    await this.ctx.storage.setAlarm(now)
  }

  async view(): Promise<JobView | undefined> {
    const job = this.#job()
    return job && this.#view(job)
  }

  /** The settings of the rounds of this name, and the last round. */
  async rounds(): Promise<{ settings: RoundSettings; job: JobView | undefined }> {
    return { settings: this.#settings(), job: await this.view() }
  }

  async changeSettings(change: RoundSettings): Promise<void> {
    this.ctx.storage.kv.put(SETTINGS, { ...this.#settings(), ...change })
  }

  /**
   * Ends a job: after the answer it calls no further device. Commands that are queued stay queued. An ended
   * job does not change. The cancel waits for the calls under way, so that the counts are final. The alarm
   * logs their failure.
   */
  async cancel(): Promise<JobView | undefined> {
    const job = this.#job()
    if (job?.state === 'running') {
      endJob(this.#db, job, 'cancelled')
    }
    if (this.#running) {
      const late = Promise.withResolvers<void>()
      const cancelTimer = clock.after(CANCEL_WAIT, late.resolve)
      await Promise.race([this.#running.catch(() => 0), late.promise])
      cancelTimer()
    }
    return job && this.#view(job)
  }

  /** The outcome of each target, in the order of the request, from place `from` on. A round keeps none. */
  async outcomes(from: number, limit: number, kind: OutcomeKind | undefined): Promise<OutcomePage> {
    return this.#job()
      ? listOutcomes(this.#db, from, limit, kind)
      : { outcomes: [], next: undefined }
  }

  /** Arms the next alarm before anything else, so that the job goes on if this process dies. */
  override async alarm(): Promise<void> {
    const job = this.#job()
    const isOfRound = job !== undefined && isRound(job)
    await this.ctx.storage.setAlarm(clock.now() + (isOfRound ? ROUND_FALLBACK : FALLBACK))
    await this.ctx.storage.sync()
    if (job?.state === 'running') {
      await this.#goOn(job)
    } else if (job && !isOfRound) {
      await this.#expire(job)
    } else {
      await this.ctx.storage.deleteAlarm()
    }
  }

  async #expire(job: JobRow): Promise<void> {
    const until = job.endedAt + KEEP
    await this.ctx.storage.setAlarm(Math.max(until, clock.now() + HOUR))
    if (until <= clock.now()) {
      await removeJob(this.env.DB, job.name)
      await this.ctx.storage.deleteAll()
      this.#opened = undefined
      this.#row = undefined
      this.#memory = newMemory()
    }
  }

  get #db(): Db {
    return (this.#opened ??= withTables(sqlite(this.ctx.storage.sql), JOB_TABLES))
  }

  #store(write: () => void): void {
    try {
      this.ctx.storage.transactionSync(write)
    } catch (error) {
      // The tables may have gone with the transaction that made them.
      this.#opened = undefined
      throw error
    }
  }

  #known(request: string): JobCreated | undefined {
    const row = this.#job()
    if (!row) {
      return undefined
    }
    return row.request === request ? { kind: 'repeated', job: this.#view(row) } : { kind: 'reused' }
  }

  /** Does the next batch or step, and arms the alarm behind it. */
  async #goOn(job: JobRow): Promise<void> {
    const next = await this.#run(job)
    if (job !== this.#row) {
      // Another round has begun meanwhile, and has armed its own alarm.
      return
    }
    if (next !== undefined) {
      await this.ctx.storage.setAlarm(next)
    } else if (isRound(job)) {
      await this.ctx.storage.deleteAlarm()
    } else {
      await this.ctx.storage.setAlarm(job.endedAt + KEEP)
    }
  }

  /** @returns when to go on; `undefined` when the job has ended. */
  async #run(row: JobRow): Promise<number | undefined> {
    if (this.#running) {
      return clock.now() + FALLBACK
    }
    const kind = JOB_KINDS[row.kind]
    this.#running =
      'step' in kind
        ? this.#runStep(row, kind)
        : runListed({ env: this.env, db: this.#db, row, kind, memory: this.#memory })
    try {
      return await this.#running
    } catch (error) {
      if (error instanceof SealError) {
        endJob(this.#db, row, 'stopped', error.message)
        return undefined
      }
      throw error
    } finally {
      this.#running = undefined
      this.#memory.running = { done: 0, failed: 0 }
    }
  }

  async #runStep(row: JobRow, kind: RoundKind): Promise<number | undefined> {
    this.#again = false
    const { total, failed, work, ...end } = await kind.step(this.env, {
      work: row.work,
      since: row.createdAt,
      settings: () => this.#settings(),
      isOver: () => row.state !== 'running',
    })
    if (row !== this.#row) {
      // Another round has begun meanwhile: the row is its own.
      return undefined
    }
    const now = { kind: 'wait', until: clock.now() } as const
    const after = this.#again && end.after.kind === 'finished' ? now : end.after
    const isChanged = total > 0 || work !== row.work
    Object.assign(row, { work, total: row.total + total, faults: row.faults + failed })
    if (row.state === 'running' && after.kind !== 'wait') {
      endJob(this.#db, row, after.kind, after.kind === 'stopped' ? after.reason : '')
    } else if (isChanged) {
      saveJob(this.#db, row)
    }
    return row.state === 'running' && after.kind === 'wait' ? after.until : undefined
  }

  #job(): JobRow | undefined {
    this.#row ??= loadJob(this.#db)
    return this.#row
  }

  #settings(): RoundSettings {
    return this.ctx.storage.kv.get<RoundSettings>(SETTINGS) ?? {}
  }

  #view(row: JobRow): JobView {
    const counts = isRound(row)
      ? { waiting: 0, failed: row.faults }
      : countListed(this.#db, this.#memory)
    return viewOf(row, counts)
  }
}
