import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers'
import { clock } from '../clock.ts'
import { beginWalk, unmarkBacklog } from './backlog.ts'
import { testEvent } from '../events/event.ts'
import { requestId } from '../request-id.ts'
import { countDeadLetters, listDeadLetters, type DeadLetter } from './dead-letters.ts'
import { laneState, type LaneState } from './lane.ts'
import type { Post, PostCounts, PostFilter } from './log.ts'
import { post, type Body, type PostOutcome, type Receiver, type TestResult } from './post.ts'
import { postNow, pump, resumePosts, startPump, wakeLane } from './pump.ts'
import { deleteDeadLetter, retryDeadLetter, retryDeadLetters } from './retry-dead-letters.ts'
import type { Retried, RetriedCounts } from './retry-dead-letters.ts'
import { openSubscription, pauseLane } from './subscription.ts'
import type { SubscriberEnv, Subscription } from './subscription.ts'

/** One webhook. It alone moves the webhook's cursors in the devices. Its name is the webhook's id. */
export class Subscriber extends DurableObject<SubscriberEnv> {
  static readonly schema = 1
  #opened: Subscription | undefined

  get #subscription(): Subscription {
    return (this.#opened ??= openSubscription(this.ctx, this.env))
  }

  /** These devices have events. It answers at once; the posts come later. */
  async wake(devices: readonly string[]): Promise<void> {
    wakeLane(this.#subscription, devices)
  }

  /** The settings were changed. The next post uses the new ones. */
  async changed(): Promise<void> {
    useNewSettings(this.#subscription)
  }

  async remove(): Promise<void> {
    endSubscription(this.#subscription)
    await this.ctx.storage.deleteAll()
    this.#opened = undefined
  }

  async setPaused(paused: boolean): Promise<void> {
    setPaused(this.#subscription, paused)
  }

  async state(): Promise<SubscriberState> {
    return subscriberState(this.#subscription)
  }

  async recent(filter: PostFilter): Promise<Post[]> {
    return this.#subscription.log.recent(filter)
  }

  async deadLetters(before: number, limit: number): Promise<DeadLetter[]> {
    return listDeadLetters(this.#subscription.db, before, limit)
  }

  async retryDeadLetter(n: number): Promise<Retried | 'unknown'> {
    return retryDeadLetter(this.#subscription, n)
  }

  /** Retries the oldest. */
  async retryDeadLetters(limit: number): Promise<RetriedCounts> {
    return retryDeadLetters(this.#subscription, limit)
  }

  /** @returns whether there was such a dead letter */
  async deleteDeadLetter(n: number): Promise<boolean> {
    return deleteDeadLetter(this.#subscription, n)
  }

  async sendTest(): Promise<TestResult | undefined> {
    return sendTest(this.#subscription)
  }

  /** Runs at the end of a long wait, and a minute after a long backlog began. */
  override async alarm(): Promise<void> {
    const subscription = this.#subscription
    unmarkBacklog(this.ctx.storage.kv)
    await pump(subscription)
  }
}

/** Posts for a Subscriber. Each call is an invocation of its own, with its own connections. */
export class Poster extends WorkerEntrypoint {
  async post(receiver: Receiver, body: Body, now: number): Promise<PostOutcome> {
    return post(receiver, body, now)
  }
}

/** A webhook's deliveries as an admin sees them. Times are milliseconds; 0 stands for never. */
export interface SubscriberState extends LaneState {
  readonly counts: PostCounts
  readonly deadLetters: number
}

function subscriberState({ lane, log, db }: Subscription): SubscriberState {
  return { ...laneState(lane), counts: log.counts, deadLetters: countDeadLetters(db) }
}

function useNewSettings(subscription: Subscription): void {
  subscription.settings.forget()
  resumePosts(subscription)
}

function endSubscription(subscription: Subscription): void {
  subscription.removed = true
  // Posts in flight still use this lane: no more of their devices' events may be posted.
  subscription.lane.paused = true
  subscription.settings.forget()
  subscription.log.end()
  subscription.cancelTimer?.()
}

function setPaused(subscription: Subscription, paused: boolean): void {
  pauseLane(subscription, paused)
  if (paused) {
    startPump(subscription)
  } else {
    beginWalk(subscription.ctx.storage.kv)
    resumePosts(subscription)
  }
}

/** Posts a test event, also during a pause or a wait. `undefined` when there is no webhook. */
async function sendTest(subscription: Subscription): Promise<TestResult | undefined> {
  const webhook = await subscription.settings.current()
  if (!webhook) {
    return undefined
  }
  const began = clock.now()
  const event = testEvent(crypto.randomUUID(), began, requestId())
  const outcome = await postNow(subscription, webhook, event, false)
  if (outcome.kind === 'delivered') {
    resumePosts(subscription)
  }
  return { event: event.id, outcome, latency: clock.now() - began }
}
