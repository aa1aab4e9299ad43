import { DurableObject } from 'cloudflare:workers'
import { clock } from '../clock.ts'
import { addJob, removeJob } from '../directory/jobs.ts'
import { publishJob } from '../live/publish.ts'
import { SealError } from '../pki/seal/seal.ts'
import { storeBody } from '../storage/bodies.ts'
import { sqlite, type Db } from '../storage/db.ts'
import { ROUND_SETTINGS, settingsIn, type RoundEnv, type RoundSettings } from './work.ts'
import { isRound, JOB_KINDS } from './kinds.ts'
import { bodiesOf, callsEnded, countListed, newMemory, runListed } from './listed.ts'
import {
  createJob,
  endJob,
  loadJob,
  newJob,
  type JobFacts,
  type JobOrder,
  type JobRow,
  type OutcomeKind,
  JOB_TABLES,
} from './rows.ts'
import { runStep, type RoundPorts } from './step.ts'
import { listOutcomes, viewOf, type JobCreated, type JobView, type OutcomePage } from './view.ts'
import { withTables } from '../storage/tables.ts'

/** A job whose process died goes on after this time. */
const FALLBACK = 5000
/** A round also waits so long after a step that failed, because D1 does not answer for example. */
const ROUND_FALLBACK = 60_000
const HOUR = 3_600_000
/** How long a job is kept after its end. */
const KEEP = 30 * 24 * HOUR
const PAUSED = 'paused'

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
      const bodies = bodiesOf(this.env, this.#db, facts.name)
      const payload = storeBody(bodies, 'payload', 0, order.payload, facts.secret)
      createJob(this.#db, job, payload, order)
    })
    this.#row = job
    publishJob(this.env, this.ctx, job.name)
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
    if (this.#job()?.state === 'running') {
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

  /** The settings of the rounds of this name, and the last. */
  async rounds(): Promise<{ settings: RoundSettings; job: JobView | undefined }> {
    return { settings: settingsIn(this.ctx.storage.kv), job: await this.view() }
  }

  async changeSettings(change: RoundSettings): Promise<void> {
    this.ctx.storage.kv.put(ROUND_SETTINGS, { ...settingsIn(this.ctx.storage.kv), ...change })
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
      await this.#endPause()
      publishJob(this.env, this.ctx, job.name)
    }
    await callsEnded(this.#running)
    return job && this.#view(job)
  }

  /**
   * Calls no further device until {@link resume}. It waits for the calls under way. The row of the job does
   * not change: code of a release before pauses would take a job of another state for one that has ended.
   */
  async pause(): Promise<JobView | undefined> {
    const job = this.#job()
    if (job?.state === 'running' && !isRound(job) && this.#memory.pausedAt === 0) {
      this.#memory.pausedAt = clock.now()
      this.ctx.storage.kv.put(PAUSED, this.#memory.pausedAt)
      await this.ctx.storage.deleteAlarm()
      publishJob(this.env, this.ctx, job.name)
    }
    await callsEnded(this.#running)
    return job && this.#view(job)
  }

  async resume(): Promise<JobView | undefined> {
    await this.#endPause()
    return this.view()
  }

  async #endPause(): Promise<void> {
    const job = this.#job()
    if (job && this.#memory.pausedAt > 0) {
      this.#memory.pausedAt = 0
      this.ctx.storage.kv.delete(PAUSED)
      await this.ctx.storage.setAlarm(clock.now())
      publishJob(this.env, this.ctx, job.name)
    }
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
    if (this.#memory.pausedAt > 0) {
      await this.ctx.storage.deleteAlarm()
      return
    }
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

  #expireLater(job: JobRow): Promise<void> {
    this.#memory.pausedAt = 0
    this.ctx.storage.kv.delete(PAUSED)
    return this.ctx.storage.setAlarm(job.endedAt + KEEP)
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
    publishJob(this.env, this.ctx, job.name)
    if (job !== this.#row) {
      // Another round has begun meanwhile, and has armed its own alarm.
      return
    }
    if (next !== undefined && this.#memory.pausedAt === 0) {
      await this.ctx.storage.setAlarm(next)
    } else if (next !== undefined || isRound(job)) {
      await this.ctx.storage.deleteAlarm()
    } else {
      await this.#expireLater(job)
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
        ? runStep({ env: this.env, db: this.#db, row, kind, ports: this.#ports(row) })
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

  #ports(row: JobRow): RoundPorts {
    this.#again = false
    return {
      settings: () => settingsIn(this.ctx.storage.kv),
      isPresent: () => row === this.#row,
      isAskedAgain: () => this.#again,
    }
  }

  #job(): JobRow | undefined {
    if (!this.#row) {
      const row = (this.#row = loadJob(this.#db))
      this.#memory.pausedAt = (row && this.ctx.storage.kv.get<number>(PAUSED)) ?? 0
      if (row && row.state !== 'running' && this.#memory.pausedAt > 0) {
        // It ended in a process that died, or by code of a release before pauses.
        this.ctx.waitUntil(this.#expireLater(row))
      }
    }
    return this.#row
  }

  #view(row: JobRow): JobView {
    const counts = isRound(row)
      ? { waiting: 0, failed: row.faults }
      : countListed(this.#db, this.#memory)
    return { ...viewOf(row, counts), pausedAt: row.state === 'running' ? this.#memory.pausedAt : 0 }
  }
}
