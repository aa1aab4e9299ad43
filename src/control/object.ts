import { DurableObject } from 'cloudflare:workers'
import { clock } from '../clock.ts'
import { noteFailures, type FailureCounts, type FailuresEnv } from './failures.ts'
import type { ClaimView } from '../config/claim.ts'
import type { Counts } from '../figures/count.ts'
import { newestSteps, type EnrolmentStep } from '../figures/steps.ts'
import type { KeyView } from '../keys/view.ts'
import { keepBeat, lateAt, readBeats, type Beat, type Beats } from './beats.ts'
import {
  beginClaim,
  claimView,
  confirmClaim,
  forgetRing,
  noteSecrets,
  pendingClaim,
  ringCopy,
  type ClaimPending,
  type ClaimConfirmed,
  type ClaimedKeys,
  type RingCopy,
  type RingForgotten,
} from './claim.ts'
import { keepDated, readDated, type Dated, type DatedThings } from './dated.ts'
import {
  addCounts,
  keepGauges,
  lastWatched,
  readFigures,
  turnEnd,
  type Figures,
  type Gauges,
  type Watched,
} from './figures.ts'
import type { KeyFacts, KeyUse } from './key-rows.ts'
import {
  createKey,
  listKeys,
  noteKeyUse,
  removeKey,
  rollKey,
  type KeyCreated,
  type KeyRemoved,
  type KeyRequest,
  type KeyRolled,
  type RollRequest,
} from './keys.ts'
import { awaitProbe, newProbeMemory, probeAlarm, ringProbe } from './probe.ts'
import {
  closeSession,
  closeSessions,
  noteSessionUse,
  beginSession,
  type SessionOpened,
  type SessionRequest,
} from './sessions.ts'
import { openControl, viewSince, type ControlStore } from './view.ts'

/** An alarm whose process died, or whose duties failed, rings again after this time. */
const FALLBACK = 3_600_000

/** What this object knows of the health of the deployment. */
export interface DeploymentStanding {
  readonly beats: Beats
  readonly dated: readonly Dated[]
  readonly watched: Watched
}

/** What the whole deployment has once: keys, sessions (docs/keys.md), figures and beats (docs/health.md). */
export class Control extends DurableObject<FailuresEnv> {
  static readonly schema = 1
  #opened: ControlStore | undefined
  /** The caller that gathers gauges now has until then. */
  #turn = 0
  readonly #probe = newProbeMemory()
  /** Only in memory: strangers cause some of them. */
  #steps: readonly EnrolmentStep[] = []

  get #store(): ControlStore {
    return (this.#opened ??= openControl(this.ctx.storage))
  }

  /** `undefined` when the version is the present one. */
  async view(version?: string): Promise<KeyView | undefined> {
    return viewSince(this.#store, version)
  }

  async listKeys(): Promise<readonly KeyFacts[]> {
    return listKeys(this.#store)
  }

  async createKey(request: KeyRequest): Promise<KeyCreated> {
    return createKey(this.#store, request, clock.now())
  }

  async rollKey(request: RollRequest): Promise<KeyRolled> {
    return rollKey(this.#store, request, clock.now())
  }

  async removeKey(request: { id: string; keepAdmin: boolean }): Promise<KeyRemoved> {
    return removeKey(this.#store, request, clock.now())
  }

  async noteKeyUse(id: string, use: KeyUse): Promise<void> {
    noteKeyUse(this.#store, id, use)
  }

  async beginSession(request: SessionRequest): Promise<SessionOpened> {
    return beginSession(this.#store, request, clock.now())
  }

  async closeSession(hash: string): Promise<void> {
    closeSession(this.#store, hash)
  }

  async closeSessions(keyId: string): Promise<void> {
    closeSessions(this.#store, keyId)
  }

  async noteSessionUse(hash: string): Promise<void> {
    noteSessionUse(this.#store, hash, clock.now())
  }

  async noteFailures(failures: FailureCounts): Promise<void> {
    return noteFailures(this.ctx.storage.kv, this.env, failures, clock.now())
  }

  async addCounts(counts: Counts): Promise<void> {
    addCounts(this.ctx.storage.kv, counts)
  }

  async noteSteps(steps: readonly EnrolmentStep[]): Promise<void> {
    this.#steps = newestSteps(steps, this.#steps)
  }

  async steps(): Promise<readonly EnrolmentStep[]> {
    return this.#steps
  }

  async figures(): Promise<Figures> {
    const now = clock.now()
    const figures = readFigures(this.ctx.storage.kv, this.#turn, now)
    this.#turn = figures.isDue ? turnEnd(now) : this.#turn
    return figures
  }

  async keepGauges(gauges: Gauges): Promise<void> {
    keepGauges(this.ctx.storage.kv, gauges)
  }

  async dated(): Promise<DatedThings> {
    return readDated(this.ctx.storage.kv)
  }

  async keepDated(found: Partial<DatedThings>): Promise<void> {
    keepDated(this.ctx.storage.kv, found)
  }

  /** Whose server it is (docs/claim.md), and the seal keys that this object holds. */
  async claimView(): Promise<ClaimView> {
    return claimView(this.#store)
  }

  async noteSecrets({ ids }: { ids: readonly string[] }): Promise<ClaimView> {
    return noteSecrets(this.#store, ids)
  }

  async beginClaim(): Promise<ClaimPending> {
    return beginClaim(this.#store)
  }

  async pendingClaim(): Promise<ClaimPending> {
    return pendingClaim(this.#store)
  }

  async confirmClaim(request: ClaimedKeys): Promise<ClaimConfirmed> {
    return this.ctx.storage.transactionSync(() => confirmClaim(this.#store, request, clock.now()))
  }

  async ringCopy(): Promise<RingCopy> {
    return ringCopy(this.#store)
  }

  async forgetRing(ids: readonly string[]): Promise<RingForgotten> {
    return forgetRing(this.#store, ids)
  }

  /** The daily duties were done. */
  async beat(beat: Beat): Promise<void> {
    keepBeat(this.ctx.storage.kv, beat)
    await this.#watchCron()
  }

  async standing(): Promise<DeploymentStanding> {
    const { kv } = this.ctx.storage
    await this.#watchCron()
    const beats = readBeats(kv, clock.now())
    return { beats, dated: readDated(kv).things, watched: lastWatched(kv) }
  }

  /** Only for an object of a probe, which keeps nothing. */
  async probeAlarm(ms: number): Promise<string> {
    return probeAlarm(this.ctx, this.#probe, ms)
  }

  /** Waits for `echo`. */
  async awaitEcho(ms: number): Promise<string> {
    return awaitProbe(this.#probe, ms)
  }

  /** The message of a probe has come through the queue. */
  async echo(): Promise<void> {
    this.#probe.happened.resolve()
  }

  /** The alarm rings when the cron is late. One in the past has been lost: the platform rings it in time. */
  async #watchCron(): Promise<void> {
    const { storage } = this.ctx
    const at = lateAt(readBeats(storage.kv, clock.now()))
    const known = await storage.getAlarm()
    if (known === null || known < Math.max(at, clock.now() - FALLBACK)) {
      await storage.setAlarm(at)
    }
  }

  /** Does the daily duties in place of a cron that is late. */
  override async alarm(): Promise<void> {
    const { storage, exports } = this.ctx
    if (await ringProbe(storage, this.#probe)) {
      return
    }
    await storage.setAlarm(clock.now() + FALLBACK)
    await storage.sync()
    if (clock.now() >= lateAt(readBeats(storage.kv, clock.now()))) {
      await exports.Duties.run()
    }
    await this.#watchCron()
  }
}
