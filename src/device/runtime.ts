import { hash } from 'node:crypto'
import { clock } from '../clock.ts'
import { requireConfig } from '../config/config.ts'
import { inBackground } from '../guard.ts'
import { log, reasonOf, warn } from '../log.ts'
import { dueTimes } from './alarm.ts'
import { newEffects, type Context, type Effects } from './store/context.ts'
import { readOnly, sqlite, WouldWrite, type Db } from '../storage/db.ts'
import { withRareTables } from '../storage/rare-tables.ts'
import { announcementOf, type AnnouncementBody } from './store/directory-row.ts'
import { pushSettings, type PushEnv } from './push/gate.ts'
import { pushNow, pushPending, type Occasion, type PushAnswer, type Pusher } from './push/send.ts'
import { RARE_TABLES } from './store/schema.ts'
import { loadState } from './store/load.ts'
import type { DeviceState } from './store/state.ts'
import { createWaiting } from './queue/waiting.ts'

/** What the queue carries: which device has news, for whom. It may be lost; the alarm says it again. */
export interface Announcement extends AnnouncementBody {
  readonly device: string
}

export interface DeviceEnv extends PushEnv {
  readonly EVENTS: Queue<Announcement>
}

/** Commands queued in a burst are one push: the device fetches them all. */
const PUSH_DELAY = 250

/** When an alarm is tried again that died: under a half-configured Worker, say. */
const RETRY_AFTER_DEATH = 900_000

/** What carries out a device object's decisions: its memory, its commits, its one alarm, its pushes. */
export class DeviceRuntime {
  readonly #ctx: DurableObjectState
  readonly #env: DeviceEnv
  readonly #name: string
  readonly #db: Db
  #state: DeviceState | undefined
  #alarmAt: number | null | undefined
  #lastNow = 0
  #cancelPush: (() => void) | undefined
  #pushing = false
  readonly #toPush = new Set<number>()
  readonly waiting = createWaiting()

  constructor(ctx: DurableObjectState, env: DeviceEnv) {
    this.#ctx = ctx
    this.#env = env
    this.#name = ctx.id.name ?? ''
    this.#db = withRareTables(sqlite(ctx.storage.sql), RARE_TABLES)
  }

  /**
   * One synchronous commit: state, events, hand-outs and alarm together, or nothing. When it throws, memory is
   * thrown away with it, so that the rows stay the truth.
   */
  async commit<Answer>(decide: (context: Context) => Answer): Promise<Answer> {
    if (this.#alarmAt === undefined) {
      this.#alarmAt = await this.#ctx.storage.getAlarm()
    }
    const effects = newEffects()
    try {
      const answer = this.#ctx.storage.transactionSync(() => decide(this.#context(effects)))
      this.#after(effects)
      return answer
    } catch (error) {
      this.#state = undefined
      throw error
    }
  }

  /**
   * The same for a decision that is expected to write nothing, without the transaction, which costs more than the decision.
   * One that writes after all is forgotten, and memory with it, and taken in a commit.
   */
  async glance<Answer>(
    isExpected: (state: DeviceState, now: number) => boolean,
    decide: (context: Context) => Answer,
  ): Promise<Answer> {
    if (!this.#state || !isExpected(this.#state, clock.now())) {
      return this.commit(decide)
    }
    const effects = newEffects()
    try {
      const answer = decide({ ...this.#context(effects), db: readOnly(this.#db) })
      this.#after(effects)
      return answer
    } catch (error) {
      this.#state = undefined
      if (error instanceof WouldWrite) {
        return this.commit(decide)
      }
      throw error
    }
  }

  #context(effects: Effects): Context {
    this.#state ??= loadState(this.#db, this.#name)
    // Strictly rising, so that "before this round" always has an answer.
    this.#lastNow = Math.max(clock.now(), this.#lastNow + 1)
    const { sealer, device } = requireConfig(this.#env)
    return {
      db: this.#db,
      sealer,
      name: this.#name,
      state: this.#state,
      settings: device,
      now: this.#lastNow,
      hash: (bytes) => hash('sha256', bytes, 'hex'),
      effects,
    }
  }

  #after(effects: Effects): void {
    if (effects.wakeBy < (this.#alarmAt ?? Infinity)) {
      this.#arm(effects.wakeBy)
    }
    for (const channel of effects.push) {
      this.#toPush.add(channel)
    }
    this.#ringSoon()
    this.waiting.ended(effects.finished)
    for (const { event, ...detail } of effects.notes) {
      warn(event, detail)
    }
    for (const { event, ...detail } of effects.happened) {
      log(event, detail)
    }
  }

  /**
   * Re-announces what nobody came for and pushes devices that stay silent. An alarm that dies six times is never
   * rung again (design.md 15), so before anything else a repeated one arms the next; the first, which hardly ever
   * dies, is spared that row.
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
    if (due.announcement.readers.length > 0 || due.announcement.directory) {
      await this.#announce(due.announcement)
    }
    await this.pushPending(due.push, { again: true })
  }

  /** The device is here: the doorbell need not ring. */
  came(channel: number): void {
    this.#toPush.delete(channel)
  }

  /** Pushes a channel now and waits for APNs's answer. */
  async pushNow(user: string, expiration?: number): Promise<PushAnswer> {
    return pushNow(await this.#pusher(), user, expiration)
  }

  /** Pushes what was queued since the last time. One that hangs is waited for: a device takes no more than its place. */
  ring(): void {
    this.#cancelPush?.()
    this.#cancelPush = undefined
    if (!this.#pushing) {
      this.#pushing = true
      inBackground(this.#ctx, this.#pushQueued())
    }
  }

  async #pushQueued(): Promise<void> {
    const channels = [...this.#toPush]
    this.#toPush.clear()
    try {
      await this.pushPending(channels, { again: false })
    } finally {
      this.#pushing = false
      this.#ringSoon()
    }
  }

  #ringSoon(): void {
    if (this.#toPush.size > 0 && !this.#pushing) {
      this.#cancelPush ??= clock.after(PUSH_DELAY, () => {
        this.ring()
      })
    }
  }

  /** Not awaited: it joins the commit of its cause, and the output gate holds the answer until that is durable. */
  #arm(at: number): void {
    this.#alarmAt = at
    this.#ctx.waitUntil(this.#ctx.storage.setAlarm(at))
  }

  async #announce(announcement: AnnouncementBody): Promise<void> {
    try {
      await this.#env.EVENTS.send({ device: this.#name, ...announcement })
    } catch (error) {
      warn('queue:send-failed', { device: this.#name, reason: reasonOf(error) })
    }
  }

  async pushPending(channels: readonly number[], occasion: Occasion): Promise<void> {
    if (channels.length > 0) {
      await pushPending(await this.#pusher(), channels, occasion)
    }
  }

  async #pusher(): Promise<Pusher> {
    return {
      ...(await pushSettings(this.#env, requireConfig(this.#env), clock.now())),
      device: this.#name,
      commit: (decide) => this.commitAndTell(decide),
    }
  }

  /** For decisions that no message of the device brought: nobody else announces what they say. */
  async commitAndTell<Answer>(decide: (context: Context) => Answer): Promise<Answer> {
    const { answer, announcement } = await this.commit((context) => ({
      answer: decide(context),
      announcement: announcementOf(context),
    }))
    if (announcement.readers.length > 0 || announcement.directory) {
      await this.#announce(announcement)
    }
    return answer
  }
}
