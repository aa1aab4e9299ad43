import { DurableObject } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { requireConfig } from '../config.ts'
import { reasonOf, warn } from '../log.ts'
import * as admin from './admin.ts'
import { dueTimes } from './alarm.ts'
import { newEffects, type Context, type Effects } from './context.ts'
import { sqlite } from './db.ts'
import { viewDeliveries, type Deliveries, type DeliveryFilter } from './deliveries.ts'
import * as listing from './directory-row.ts'
import * as escrow from './escrow.ts'
import { renewIdentity, type Claim } from './identity.ts'
import * as commands from './commands.ts'
import * as once from './once.ts'
import * as outbox from './outbox.ts'
import { pushSettings, type PushEnv } from './push-gate.ts'
import { pushNow, pushPending, type PushAnswer, type Pusher } from './pusher.ts'
import { answered, waitingChannels } from './pushing.ts'
import type { NewCommand } from './queue.ts'
import type { QueuedCommand } from './queue-view.ts'
import { settleReaders } from './readers.ts'
import { replay, settleGivenUp, type Replay, type Replayed } from './replay.ts'
import {
  keepDeclarations,
  listedDeclarations,
  receive,
  type DeviceAnswer,
  type DeviceInput,
} from './receive.ts'
import { viewDevice, type DeviceView } from './page.ts'
import { viewTimeline, type Timeline, type TimelineFilter } from './timeline.ts'
import { createWaiting } from './waiting.ts'
import { knownChannel, loadState, type DeviceState } from './state.ts'

/** What the queue carries: which device has news, for whom. It may be lost; the alarm says it again. */
export interface Announcement extends listing.ToldNews {
  readonly device: string
}

export interface DeviceEnv extends PushEnv {
  readonly EVENTS: Queue<Announcement>
}

/** A device object as its callers see it, over RPC. */
export type DeviceStub = Omit<Device, 'alarm'>

export interface DeviceNamespace {
  getByName(name: string): DeviceStub
}

/** Commands queued in a burst are one push: the device fetches them all. */
const PUSH_DELAY = 250

/** When an alarm is tried again that died: under a half-configured Worker, say. */
const RETRY_AFTER_DEATH = 900_000

/** One device and its users (design.md 1). Every method is one decision of a free function, in one commit. */
export class Device extends DurableObject<DeviceEnv> {
  readonly #name = this.ctx.id.name ?? ''
  #state: DeviceState | undefined
  #alarmAt: number | null | undefined
  #lastNow = 0
  #pushTimer: ReturnType<typeof setTimeout> | undefined
  readonly #toPush = new Set<number>()
  readonly #waiting = createWaiting()

  async receive(input: DeviceInput): Promise<DeviceAnswer> {
    return this.#commit((context) => {
      const answer = receive(context, input)
      const { user } = input.message.enrollment
      const channel = knownChannel(context.state, user)
      if (channel && input.message.kind === 'report') {
        // It is here: the doorbell need not ring.
        answered(context, user)
        this.#toPush.delete(channel.id)
      }
      return answer
    })
  }

  /** `since`: a job queues it, which began then, and repeats what it may have done before it died. */
  async enqueue(user: string, command: NewCommand, since?: number): Promise<admin.Queued> {
    const decide = since === undefined ? admin.queueCommand : once.enqueueOnce
    return this.#commit((context) => decide(context, user, command, since ?? 0))
  }

  async commandState(user: string, n: number): Promise<ReturnType<typeof once.commandState>> {
    return this.#commit((context) => once.commandState(context, user, n))
  }

  async viewQueue(user: string, after: number): Promise<admin.View> {
    return this.#commit((context) => admin.pageOfQueue(context, user, after))
  }

  async clearQueue(user: string): Promise<admin.Cleared> {
    return this.#commit((context) => admin.clearQueue(context, user))
  }

  /** A command, and if it is still pending, as it is when it ends or `ms` have passed; its push leaves at once. */
  async command(
    user: string,
    ref: commands.CommandRef,
    ms: number,
  ): Promise<commands.CommandAnswer> {
    const look = () => this.#commit((context) => commands.viewCommand(context, user, ref))
    const answer = await look()
    if (ms === 0 || answer.kind !== 'command' || !answer.pending) {
      return answer
    }
    const end = this.#waiting.untilEnd(answer.row, ms)
    this.#ring()
    await end
    return look()
  }

  async listCommands(user: string, filter: commands.CommandFilter): Promise<commands.CommandList> {
    return this.#commit((context) => commands.listCommands(context, user, filter))
  }

  async cancelCommand(user: string, ref: commands.CommandRef): Promise<commands.Cancelled> {
    return this.#commit((context) => commands.cancelCommand(context, user, ref))
  }

  async viewDevice(user: string): Promise<DeviceView> {
    return this.#commit((context) => viewDevice(context, user))
  }

  async viewTimeline(user: string, filter: TimelineFilter): Promise<Timeline> {
    return this.#commit((context) => viewTimeline(context, user, filter))
  }

  async block(): Promise<void> {
    return this.#commit(admin.block)
  }

  async unblock(): Promise<boolean> {
    return this.#commit(admin.unblock)
  }

  async hide(): Promise<boolean> {
    return this.#commit(admin.hide)
  }

  async displace(): Promise<void> {
    return this.#commit(admin.displace)
  }

  async reinstateIdentity(fingerprint: string): Promise<boolean> {
    return this.#commit((context) => admin.reinstateIdentity(context, fingerprint))
  }

  async revokeIdentity(fingerprint: string): Promise<boolean> {
    return this.#commit((context) => admin.revokeIdentity(context, fingerprint))
  }

  async identities(): Promise<readonly admin.ListedIdentity[]> {
    return this.#commit(admin.listIdentities)
  }

  async retire(): Promise<boolean> {
    return this.#commit(admin.retire)
  }

  async readEscrow(
    kind: escrow.EscrowKind,
    token: number | undefined,
    reader: escrow.EscrowReader,
  ): Promise<escrow.EscrowAnswer> {
    return this.#commit((context) => escrow.readEscrow(context, kind, token, reader))
  }

  async listEscrow(): Promise<escrow.EscrowList> {
    return this.#commit(escrow.listEscrow)
  }

  async renewIdentity(previous: string, fingerprint: string, claim: Claim): Promise<boolean> {
    return this.#commit((context) => renewIdentity(context, previous, fingerprint, claim))
  }

  async alias(owner: string, user: string, after: number): Promise<admin.HandOver> {
    return this.#commit((context) => admin.alias(context, owner, user, after))
  }

  async confirmAlias(): Promise<void> {
    return this.#commit(admin.confirmAlias)
  }

  async takeOver(user: string, source: string, waiting: readonly QueuedCommand[]): Promise<void> {
    return this.#commit((context) => {
      admin.takeOver(context, user, source, waiting)
    })
  }

  async aliasMade(user: string): Promise<void> {
    return this.#commit((context) => {
      admin.aliasMade(context, user)
    })
  }

  async listedDeclarations(user: string): Promise<readonly string[]> {
    return this.#commit((context) => listedDeclarations(context, user))
  }

  async keepDeclarations(user: string, identifiers: readonly string[]): Promise<void> {
    return this.#commit((context) => {
      keepDeclarations(context, user, identifiers)
    })
  }

  async pull(request: outbox.Pull): Promise<outbox.Pulled> {
    return this.#commit((context) => outbox.pull(context, request))
  }

  /** Hears who all the subscribers are. @returns whether some have events to come for that nobody knew of. */
  async settleReaders(known: readonly string[]): Promise<boolean> {
    return this.#commit((context) => settleReaders(context, known))
  }

  /** Tries a given-up event again, or forgets it. @returns whether it was kept. */
  async givenUp(subscriber: string, seq: number, retry: boolean): Promise<boolean> {
    return this.#commit((context) => settleGivenUp(context, subscriber, seq, retry))
  }

  /** Sends kept events to a subscriber again. */
  async replay(user: string, order: Replay): Promise<Replayed> {
    return this.#commitAndTell((context) => replay(context, user, order))
  }

  async viewDeliveries(user: string, filter: DeliveryFilter): Promise<Deliveries> {
    return this.#commit((context) => viewDeliveries(context, user, filter))
  }

  async directoryRow(): Promise<listing.DirectoryRow | undefined> {
    return this.#commit(listing.directoryRow)
  }

  async projected(version: number): Promise<void> {
    return this.#commit((context) => {
      listing.projected(context, version)
    })
  }

  /** Pushes a channel now and waits for APNs's answer; only `/push/…` does. */
  async push(user: string, expiration?: number): Promise<PushAnswer> {
    return pushNow(await this.#pusher(), user, expiration)
  }

  /** Pushes whatever waits: pushes may leave again, or one may try. */
  async pushWaiting(): Promise<void> {
    await this.#pushPending(await this.#commit(waitingChannels), true)
  }

  /**
   * Re-announces what nobody came for and pushes devices that stay silent. An alarm that dies six times is never
   * rung again (design.md 15), so before anything else a repeated one arms the next; the first, which hardly ever
   * dies, is spared that row.
   */
  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    this.#alarmAt = null
    if (info?.isRetry) {
      this.#arm(Date.now() + RETRY_AFTER_DEATH)
      await this.ctx.storage.sync()
    }
    const { due, next } = await this.#commit(dueTimes)
    if (next === undefined) {
      return
    }
    this.#arm(next)
    await this.ctx.storage.sync()
    if (due.news.readers.length > 0 || due.news.directory) {
      await this.#announce(due.news)
    }
    await this.#pushPending(due.push, true)
  }

  /**
   * One synchronous commit: state, events, hand-outs and alarm together, or nothing. When it throws, memory is
   * thrown away with it, so that the rows stay the truth.
   */
  async #commit<Answer>(decide: (context: Context) => Answer): Promise<Answer> {
    if (this.#alarmAt === undefined) {
      this.#alarmAt = await this.ctx.storage.getAlarm()
    }
    const effects = newEffects()
    try {
      const answer = this.ctx.storage.transactionSync(() => decide(this.#context(effects)))
      this.#after(effects)
      return answer
    } catch (error) {
      this.#state = undefined
      throw error
    }
  }

  #context(effects: Effects): Context {
    const db = sqlite(this.ctx.storage.sql)
    this.#state ??= loadState(db, this.#name)
    // Strictly rising, so that "before this round" always has an answer.
    this.#lastNow = Math.max(Date.now(), this.#lastNow + 1)
    const { sealer, device } = requireConfig(this.env)
    return {
      db,
      sealer,
      name: this.#name,
      state: this.#state,
      settings: device,
      now: this.#lastNow,
      hash: (bytes) => createHash('sha256').update(bytes).digest('hex'),
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
    if (this.#toPush.size > 0 && this.#pushTimer === undefined) {
      this.#pushTimer = setTimeout(() => {
        this.#ring()
      }, PUSH_DELAY)
    }
    this.#waiting.ended(effects.finished)
    for (const { event, ...detail } of effects.notes) {
      warn(event, detail)
    }
  }

  /** Pushes what was queued since the last time. */
  #ring(): void {
    clearTimeout(this.#pushTimer)
    this.#pushTimer = undefined
    const channels = [...this.#toPush]
    this.#toPush.clear()
    this.ctx.waitUntil(this.#pushPending(channels, false))
  }

  /** Not awaited: it joins the commit of its cause, and the output gate holds the answer until that is durable. */
  #arm(at: number): void {
    this.#alarmAt = at
    this.ctx.waitUntil(this.ctx.storage.setAlarm(at))
  }

  async #announce(news: listing.ToldNews): Promise<void> {
    try {
      await this.env.EVENTS.send({ device: this.#name, ...news })
    } catch (error) {
      warn('queue:send-failed', { device: this.#name, reason: reasonOf(error) })
    }
  }

  async #pushPending(channels: readonly number[], again: boolean): Promise<void> {
    if (channels.length > 0) {
      await pushPending(await this.#pusher(), channels, again)
    }
  }

  async #pusher(): Promise<Pusher> {
    return {
      ...(await pushSettings(this.env, requireConfig(this.env), Date.now())),
      device: this.#name,
      commit: (decide) => this.#commitAndTell(decide),
    }
  }

  /** For decisions that no message of the device brought: nobody else announces what they say. */
  async #commitAndTell<Answer>(decide: (context: Context) => Answer): Promise<Answer> {
    const { answer, news } = await this.#commit((context) => ({
      answer: decide(context),
      news: listing.toldNews(context),
    }))
    if (news.readers.length > 0 || news.directory) {
      await this.#announce(news)
    }
    return answer
  }
}
