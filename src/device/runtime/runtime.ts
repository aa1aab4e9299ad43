import { hash } from 'node:crypto'
import { clock } from '../../clock.ts'
import { requireConfig } from '../../config/config.ts'
import { inBackground } from '../../guard.ts'
import type { PublishEnv } from '../../live/publish.ts'
import { log, warn } from '../../log.ts'
import { reasonOf } from '../../reason.ts'
import { readOnlyDb, sqlite, WouldWrite, type Db } from '../../storage/db.ts'
import { dueTimes, endsWork, watchOver } from './alarm.ts'
import { inspectDevice, isLost, repairDevice, type DeviceInspection } from './inspect.ts'
import { decideAt, lookAt, type Decide, type Look } from './look.ts'
import { pushTarget, waitingChannels } from '../push/decide.ts'
import { pushSettings, type PushBindings } from '../push/gate.ts'
import { pushNow, pushPending, type Occasion, type Pusher, type PushResult } from '../push/send.ts'
import { createSoonPushes } from '../push/soon.ts'
import { viewCommand, type CommandAnswer, type CommandRef } from '../queue/lookup.ts'
import { createWaiting } from '../queue/waiting.ts'
import { keepResident } from './residents.ts'
import type { Address, Elsewhere, Unknown } from '../store/address.ts'
import { newEffects, type Context, type Effects } from '../store/context.ts'
import { announcementOf, type AnnouncementBody } from '../standing/directory-row.ts'
import { loadState, writeState, type Loaded } from '../store/rows/save.ts'
import { HERE, openWatch, tellWatchers } from './watchers.ts'

/** A message of the queue. It may be lost: the alarm announces again (docs/architecture.md §14). */
export interface Announcement extends AnnouncementBody {
  readonly device: string
  /** It is a probe's: the object of this name waits for it. The consumer before knows no probes. */
  readonly probe?: string
}

export interface DeviceEnv extends PushBindings, PublishEnv {
  readonly EVENTS: Queue<Announcement>
  readonly DEVICE: { getByName(name: string): { stay(): Promise<void> } }
}

/** The wait before an alarm that failed is tried again, for example while settings are incomplete. */
const RETRY_AFTER_DEATH = 900_000

/** Carries out the decisions of a device object: it has memory, commits, the one alarm and pushes. */
export class DeviceRuntime {
  readonly #ctx: DurableObjectState
  readonly #env: DeviceEnv
  readonly #name: string
  readonly #db: Db
  #loaded: Loaded | undefined
  #alarmAt: number | null | undefined
  #lastNow = 0
  readonly #waiting = createWaiting()
  readonly #pushes = createSoonPushes(
    (channels) => this.#pushPending(channels, { again: false }),
    (work) => {
      inBackground(this.#ctx, work)
    },
  )

  constructor(ctx: DurableObjectState, env: DeviceEnv) {
    this.#ctx = ctx
    this.#env = env
    this.#name = ctx.id.name ?? ''
    this.#db = sqlite(ctx.storage.sql)
  }

  /**
   * One synchronous commit (docs/architecture.md §3): state, events, hand-outs and alarm together, or
   * nothing. When it throws, memory is dropped too, so that the rows stay the truth.
   */
  async commit<Answer>(
    decide: (context: Context) => Answer,
    effects: Effects = newEffects(),
  ): Promise<Answer> {
    if (this.#alarmAt === undefined) {
      this.#alarmAt = await this.#ctx.storage.getAlarm()
      if (this.#alarmAt !== null && isLost(this.#alarmAt)) {
        warn('device:alarm-lost', { device: this.#name })
        this.#arm(clock.now())
      }
    }
    try {
      const { answer, isQuiet } = this.#ctx.storage.transactionSync(() => {
        const context = this.#context(effects)
        const decided = decide(context)
        watchOver(context)
        const ends = this.#alarmAt !== null && endsWork(context)
        writeState(context)
        return { answer: decided, isQuiet: ends }
      })
      this.#after(effects)
      if (isQuiet) {
        // It would wake the object for nothing.
        this.#alarmAt = null
        this.#ctx.waitUntil(this.#ctx.storage.deleteAlarm())
      }
      return answer
    } catch (error) {
      this.#loaded = undefined
      throw error
    }
  }

  /** The same, and announces the result. After a device's message the Worker announces instead. */
  async commitAndAnnounce<Answer>(decide: (context: Context) => Answer): Promise<Answer> {
    const { answer, announcement } = await this.commit((context) => ({
      answer: decide(context),
      announcement: announcementOf(context),
    }))
    await this.#announce(announcement)
    return answer
  }

  /** A decision at the channel that an admin's address means: {@link decideAt}. */
  async at<Answer>(
    address: Address,
    decide: Decide<Answer>,
    ref?: CommandRef,
  ): Promise<Answer | Elsewhere> {
    return this.commitAndAnnounce((context) => decideAt(context, address, decide, ref))
  }

  /** A decision that needs something to be here: {@link lookAt}. */
  async look<Answer>(
    address: Address,
    decide: Look<Answer>,
    ref?: CommandRef,
  ): Promise<Answer | Elsewhere | Unknown> {
    return this.commitAndAnnounce((context) => lookAt(context, address, decide, ref))
  }

  /** Shows a command. If it is pending, it is pushed at once, and shown at its end or after `ms`. */
  async command(address: Address, ref: CommandRef, ms: number): Promise<CommandAnswer | Elsewhere> {
    const look = () =>
      this.look(address, (context, { user }) => viewCommand(context, user, ref), ref)
    const answer = await look()
    if (ms === 0 || answer.kind !== 'command' || !answer.pending) {
      return answer
    }
    const end = this.#waiting.untilEnd(answer.row, ms)
    this.#pushes.hurry()
    await end
    return look()
  }

  /**
   * For a decision that should write nothing but the device's row, without a transaction. If it writes more,
   * it runs again in one. It also does if an alarm has to be set or deleted, because only a commit reads the
   * alarm's time.
   */
  async glance<Answer>(
    isExpected: (context: Context) => boolean,
    decide: (context: Context) => Answer,
  ): Promise<Answer> {
    let effects = newEffects()
    try {
      const context = this.#context(effects)
      const reading = { ...context, db: readOnlyDb(context.db) }
      if (isExpected(reading)) {
        const answer = decide(reading)
        const { changed } = context.state
        const needsAlarm = effects.wakeBy < Infinity && this.#alarmAt === undefined
        if (needsAlarm || (changed && effects.settled)) {
          throw new WouldWrite()
        }
        if (changed) {
          writeState(context)
        }
        this.#after(effects)
        return answer
      }
    } catch (error) {
      this.#loaded = undefined
      if (!(error instanceof WouldWrite)) {
        throw error
      }
      effects = newEffects()
    }
    return this.commit(decide, effects)
  }

  /** In a transaction of its own, because it may move rows of an earlier version. */
  #memory(): Loaded {
    const load = (): Loaded => loadState(this.#db, this.#name)
    return (this.#loaded ??= this.#ctx.storage.transactionSync(load))
  }

  #context(effects: Effects): Context {
    const { state, db } = this.#memory()
    // Strictly rising, so that "before this round" always has an answer.
    this.#lastNow = Math.max(clock.now(), this.#lastNow + 1)
    const { sealer, device } = requireConfig(this.#env)
    return {
      db,
      sealer,
      name: this.#name,
      state,
      settings: device,
      now: this.#lastNow,
      hash: (bytes) => hash('sha256', bytes, 'hex'),
      effects,
    }
  }

  #after(effects: Effects): void {
    const { residentObjects } = requireConfig(this.#env)
    keepResident(this.#name, this.#ctx, residentObjects, () => {
      inBackground(this.#ctx, this.#env.DEVICE.getByName(this.#name).stay())
    })
    tellWatchers(this.#ctx, this.#env, this.#memory().state, effects, this.#lastNow)
    if (effects.wakeBy < (this.#alarmAt ?? Infinity)) {
      this.#arm(effects.wakeBy)
    }
    this.#pushes.follow(effects)
    this.#waiting.ended(effects.finished)
    for (const { event, ...detail } of effects.notes) {
      warn(event, detail)
    }
    for (const { event, ...detail } of effects.happened) {
      log(event, detail)
    }
  }

  /**
   * Announces again what was not read, and pushes devices that stay silent. The platform drops an alarm that
   * fails six times (docs/architecture.md §15), so a retry arms the next alarm before anything else. A first
   * try hardly ever fails, and saves this row.
   */
  async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#alarmAt = null
    if (info?.isRetry) {
      this.#arm(clock.now() + RETRY_AFTER_DEATH)
      await this.#ctx.storage.sync()
    }
    const { due, next } = await this.commit(dueTimes)
    if (next === undefined) {
      return
    }
    this.#arm(next)
    await this.#ctx.storage.sync()
    await this.#announce(due.announcement)
    await this.#pushPending(due.push, { again: true })
  }

  async watch(request: Request): Promise<Response> {
    return openWatch(this.#ctx, request, (address) => this.look(address, () => HERE))
  }

  /** A look that changes neither rows nor memory. */
  async inspect(): Promise<DeviceInspection> {
    return inspectDevice(this.#ctx.storage, this.#context(newEffects()))
  }

  async repair(): Promise<void> {
    this.#alarmAt = undefined
    await this.commitAndAnnounce(repairDevice)
  }

  /** Pushes a channel now and waits for APNs's answer. */
  async push(address: Address, expiration?: number): Promise<PushResult | Elsewhere> {
    const pusher = await this.#pusher()
    const check = await this.at(address, (context, user) => pushTarget(context, user, pusher.topic))
    return check.kind === 'elsewhere' ? check : pushNow(pusher, check, expiration)
  }

  /** Pushes channels that have commands waiting. `tries`: it leaves even while the push circuit is open. */
  async pushWaiting(tries: boolean): Promise<void> {
    await this.#pushPending(await this.commit(waitingChannels), { again: true, tries })
  }

  /**
   * Not awaited: it joins the commit of its cause. The output gate holds the answer until that is durable.
   */
  #arm(at: number): void {
    this.#alarmAt = at
    this.#ctx.waitUntil(this.#ctx.storage.setAlarm(at))
  }

  async #announce(announcement: AnnouncementBody): Promise<void> {
    if (announcement.readers.length === 0 && !announcement.directory && !announcement.setup) {
      return
    }
    try {
      await this.#env.EVENTS.send({ device: this.#name, ...announcement })
    } catch (error) {
      warn('queue:send-failed', { device: this.#name, reason: reasonOf(error) })
    }
  }

  async #pushPending(channels: readonly number[], occasion: Occasion): Promise<void> {
    if (channels.length > 0) {
      await pushPending(await this.#pusher(), channels, occasion)
    }
  }

  async #pusher(): Promise<Pusher> {
    return {
      ...(await pushSettings(this.#env, requireConfig(this.#env), clock.now())),
      device: this.#name,
      commit: (decide) => this.commitAndAnnounce(decide),
    }
  }
}
