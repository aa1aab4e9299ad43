import { DurableObject } from 'cloudflare:workers'
import { clock, inTime, wait } from '../clock.ts'
import { requireConfig } from '../config/config.ts'
import { MAX_CONCURRENCY } from '../config/values.ts'
import { sqlite } from '../storage/db.ts'
import type { DeviceNamespace } from '../device/object.ts'
import { testEvent, type DeviceEvent } from '../events/event.ts'
import type { Webhook } from '../events/webhook.ts'
import { inBackground } from '../guard.ts'
import { log, reasonOf, warn } from '../log.ts'
import * as dead from './dead-letters.ts'
import { deliver, type DeliveryPorts } from './deliver.ts'
import { openLog, type Post, type PostCounts, type PostFilter, type PostLog } from './log.ts'
import {
  hurry,
  isFull,
  newLine,
  nextTry,
  settle,
  startable,
  stateOf,
  wake,
  type Line,
  type LineState,
  type ReceiverCircuit,
} from './lane.ts'
import { postEvent, type PostOutcome, type TestResult } from './post.ts'
import { webhookSource } from './settings.ts'
import { forRequest, requestId } from '../request-id.ts'
import { beginWalk, markBacklog, resumeBacklog, unmarkBacklog, walk } from './backlog.ts'

export interface SubscriberEnv {
  readonly DEVICE: DeviceNamespace
  readonly DB: D1Database
}

/** What an admin sees of a webhook's deliveries. Times are milliseconds; 0 stands for never. */
export interface SubscriberState extends LineState {
  readonly counts: PostCounts
  readonly deadLetters: number
}

const CIRCUIT = 'receiver'
const PAUSED = 'paused'
/** A timer keeps the object in memory, which is paid for: longer waits are the alarm's. */
const LONGEST_TIMER = 60_000
/** The device's own alarm brings back whoever could not be reached. */
const UNREACHABLE_WAIT = 5000
/** So long a device's object is waited for. */
const PATIENCE = 10_000

/** One webhook's posts: the only reader of its cursors. Its name is the webhook's id. */
export class Subscriber extends DurableObject<SubscriberEnv> {
  readonly #id = this.ctx.id.name ?? ''
  readonly #db = sqlite(this.ctx.storage.sql)
  readonly #source = webhookSource(this.env, this.#id)
  #line: Line | undefined
  #log: PostLog | undefined
  #cancelTimer: (() => void) | undefined
  #walking = false

  /** These devices have news. Answers at once; posting goes on by itself. */
  async wake(devices: readonly string[]): Promise<void> {
    const line = this.#open()
    for (const device of devices) {
      wake(line, device)
    }
    inBackground(this.ctx, this.#pump())
  }

  /** The settings were changed: they hold from the next post on. */
  async changed(): Promise<void> {
    this.#source.forget()
    this.#hurry()
    inBackground(this.ctx, this.#pump())
  }

  /** The webhook is gone, and with it what is kept of it here. */
  async remove(): Promise<void> {
    this.#source.forget()
    this.#cancelTimer?.()
    // Posts under way come back to this line, and find that nothing more may leave.
    this.#open().paused = true
    this.#line = undefined
    this.#log?.end()
    this.#log = undefined
    await this.ctx.storage.deleteAll()
  }

  async setPaused(paused: boolean): Promise<void> {
    const { kv } = this.ctx.storage
    kv.put(PAUSED, paused)
    this.#open().paused = paused
    if (!paused) {
      this.#hurry()
      beginWalk(kv)
    }
    inBackground(this.ctx, this.#pump())
  }

  async state(): Promise<SubscriberState> {
    return {
      ...stateOf(this.#open()),
      counts: this.#posts().counts,
      deadLetters: dead.countDeadLetters(this.#db),
    }
  }

  async recent(filter: PostFilter): Promise<Post[]> {
    return this.#posts().recent(filter)
  }

  async deadLetters(before: number, limit: number): Promise<dead.DeadLetter[]> {
    return dead.listDeadLetters(this.#db, before, limit)
  }

  /** Tries a dead letter again, beside its device's line. */
  async retryDeadLetter(n: number): Promise<'retried' | 'gone' | 'unknown'> {
    const letter = dead.deadLetter(this.#db, n)
    return letter ? this.#retry(letter) : 'unknown'
  }

  /** Tries the oldest dead letters again. */
  async retryDeadLetters(limit: number): Promise<{ retried: number; gone: number; left: number }> {
    const letters = dead.oldestDeadLetters(this.#db, limit)
    const counts = await dead.retryEach(letters, (letter) => this.#retry(letter))
    return { ...counts, left: dead.countDeadLetters(this.#db) }
  }

  /** @returns whether it was there. */
  async deleteDeadLetter(n: number): Promise<boolean> {
    const letter = dead.deadLetter(this.#db, n)
    if (!letter) {
      return false
    }
    const { device, sequence } = letter
    await this.env.DEVICE.getByName(device).givenUp(this.#id, sequence, false)
    dead.removeDeadLetter(this.#db, n)
    return true
  }

  /** Posts an event that means nothing, whatever the line does. `undefined` without a webhook. */
  async sendTest(): Promise<TestResult | undefined> {
    const webhook = await this.#source.current()
    if (!webhook) {
      return undefined
    }
    const began = clock.now()
    const event = testEvent(crypto.randomUUID(), began, requestId())
    const outcome = await this.#post(webhook, event, false)
    if (outcome.kind === 'delivered') {
      this.#hurry()
      inBackground(this.ctx, this.#pump())
    }
    return { event: event.id, outcome, latency: clock.now() - began }
  }

  /** A wait is over, or it is to be seen whether a backlog is still there: if so, the pump arms the next. */
  override async alarm(): Promise<void> {
    this.#open()
    unmarkBacklog(this.ctx.storage.kv)
    await this.#pump()
  }

  #open(): Line {
    const { kv } = this.ctx.storage
    if (!this.#line) {
      const circuit = kv.get<ReceiverCircuit>(CIRCUIT)
      this.#line = newLine(MAX_CONCURRENCY, circuit, kv.get<boolean>(PAUSED))
      resumeBacklog(kv)
    }
    return this.#line
  }

  /** An admin knows better than the receiver's last `Retry-After`. Through a long one nobody remembers who waits. */
  #hurry(): void {
    const line = this.#open()
    const { kv } = this.ctx.storage
    if (line.circuit.askedUntil > clock.now()) {
      beginWalk(kv)
    }
    hurry(line)
    if (kv.get(CIRCUIT) !== undefined) {
      kv.put(CIRCUIT, line.circuit)
    }
  }

  #posts(): PostLog {
    return (this.#log ??= openLog(this.ctx.storage.kv))
  }

  /** Posting goes on by itself, for no request: it has long been answered. */
  async #pump(): Promise<void> {
    return forRequest(undefined, () => this.#goOn())
  }

  async #goOn(): Promise<void> {
    const line = this.#open()
    let webhook: Webhook | undefined
    try {
      webhook = await this.#source.current()
    } catch (error) {
      warn('webhook:settings-unreadable', { webhook: this.#id, reason: reasonOf(error) })
      this.#schedule(clock.now() + UNREACHABLE_WAIT)
      return
    }
    if (!webhook?.enabled) {
      return
    }
    const walkAgainAt = await this.#walkOn(line)
    for (const device of startable(line, webhook.concurrency, clock.now())) {
      inBackground(this.ctx, this.#deliver(line, webhook, device))
    }
    const waiting = line.ready.size + line.busy.size
    if (line === this.#line && markBacklog(this.ctx.storage.kv, waiting)) {
      this.#arm(clock.now() + LONGEST_TIMER)
    }
    // When a post comes back, this is done again.
    const isLast = isFull(line, webhook.concurrency)
    this.#schedule(isLast ? undefined : (nextTry(line, webhook.concurrency) ?? walkAgainAt))
  }

  /** @returns when to try again, if the directory could not be read. */
  async #walkOn(line: Line): Promise<number | undefined> {
    if (this.#walking || line.paused) {
      return undefined
    }
    this.#walking = true
    try {
      for (const device of await walk(this.env.DB, this.ctx.storage.kv, line.ready.size)) {
        wake(line, device)
      }
      return undefined
    } catch (error) {
      warn('webhook:backlog-unreadable', { webhook: this.#id, reason: reasonOf(error) })
      return clock.now() + UNREACHABLE_WAIT
    } finally {
      this.#walking = false
    }
  }

  async #deliver(line: Line, webhook: Webhook, device: string): Promise<void> {
    try {
      await deliver(line, this.#ports(line, webhook), device)
    } catch (error) {
      warn('webhook:device-unreachable', { webhook: this.#id, device, reason: reasonOf(error) })
      settle(line, device, clock.now(), UNREACHABLE_WAIT)
    }
    await this.#pump()
  }

  #schedule(at: number | undefined): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (at === undefined || at === Infinity) {
      return
    }
    const ms = Math.max(at - clock.now(), 0)
    if (ms > LONGEST_TIMER) {
      this.#arm(at)
      return
    }
    this.#cancelTimer = clock.after(ms, () => {
      inBackground(this.ctx, this.#pump())
    })
  }

  #arm(at: number): void {
    this.ctx.waitUntil(this.ctx.storage.setAlarm(at))
  }

  async #post(webhook: Webhook, event: DeviceEvent, isReplay: boolean): Promise<PostOutcome> {
    const { allowPrivateWebhooks: allowPrivate } = requireConfig(this.env)
    return postEvent(webhook, event, { isReplay, allowPrivate })
  }

  async #retry({ device, sequence, n }: dead.DeadLetter): Promise<dead.Retried> {
    const call = this.env.DEVICE.getByName(device).givenUp(this.#id, sequence, true)
    const found = await inTime(PATIENCE, call)
    dead.removeDeadLetter(this.#db, n)
    if (found) {
      await this.wake([device])
    }
    return found ? 'retried' : 'gone'
  }

  /** The webhook as it is now, unless nothing may be posted. */
  async #current(): Promise<Webhook | undefined> {
    try {
      const webhook = await this.#source.current()
      return webhook?.enabled ? webhook : undefined
    } catch {
      // The next round says why.
      return undefined
    }
  }

  #ports(line: Line, webhook: Webhook): DeliveryPorts<Webhook> {
    const { id } = webhook
    const posts = this.#posts()
    /** A post that was under way when the webhook was removed leaves nothing behind. */
    const isHere = (): boolean => this.#line === line
    return {
      webhook: () => this.#current(),
      now: () => clock.now(),
      sleep: wait,
      pull: async (device, request) => {
        const { topics, statuses } = (await this.#current()) ?? webhook
        const stub = this.env.DEVICE.getByName(device)
        return inTime(PATIENCE, stub.pull({ ...request, subscriber: id, topics, statuses }))
      },
      post: (present, event, isReplay) => this.#post(present, event, isReplay),
      keepCircuit: () => {
        if (isHere()) {
          this.ctx.storage.kv.put(CIRCUIT, line.circuit)
        }
      },
      note: posts.note,
      giveUp: (device, { sequence, id: event, topic, at }, { tries, reason }) => {
        const letter = { device, sequence, event, topic, at, tries, reason, diedAt: clock.now() }
        if (isHere()) {
          dead.addDeadLetter(this.#db, letter)
        }
        return posts.count('dead')
      },
      drop: () => posts.count('dropped'),
      log: (event, detail) => {
        log(event, { webhook: id, ...detail })
      },
      warn: (event, detail) => {
        warn(event, { webhook: id, ...detail })
      },
    }
  }
}
