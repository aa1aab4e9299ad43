import { DurableObject } from 'cloudflare:workers'
import { elsewhere, type Address, type Elsewhere } from './store/address.ts'
import * as admin from './standing/admin.ts'
import { directoryRow, projected, type DirectoryRow } from './store/directory-row.ts'
import * as escrow from './standing/escrow.ts'
import { renewIdentity, type Succession } from './enrolment/identity.ts'
import * as commands from './queue/lookup.ts'
import { viewDeliveries, type Deliveries, type DeliveryFilter } from './views/deliveries.ts'
import * as once from './queue/once.ts'
import { pull, type Pull, type Pulled } from './outbox/read.ts'
import type { PushAnswer } from './push/send.ts'
import { answered, waitingChannels } from './push/decide.ts'
import { releaseHeld, type Released } from './queue/held.ts'
import * as move from './queue/move.ts'
import type { NewCommand } from './queue/hand-out.ts'
import { queueCommand, type Queued } from './queue/enqueue.ts'
import type { QueuedCommand } from './queue/clear.ts'
import { settleSubscribers } from './outbox/cursors.ts'
import { replay, settleDeadLetter, type Replay, type Replayed } from './outbox/replay.ts'
import { isHeartbeat, receive, type DeviceAnswer, type DeviceInput } from './enrolment/receive.ts'
import {
  attemptRenewal,
  renewalFacts,
  renewalNeeded,
  type RenewalAttempt,
  type RenewalFacts,
} from './enrolment/renewal.ts'
import { viewDevice, type DeviceView } from './views/device.ts'
import { viewTimeline, type Timeline, type TimelineFilter } from './views/timeline.ts'
import type { Context } from './store/context.ts'
import { keepDeclarations, listedDeclarations } from './enrolment/declarations.ts'
import { settle } from './standing/contest-end.ts'
import type { AdminProof } from './store/proof.ts'
import { requeue, type Requeued } from './queue/requeue.ts'
import { DeviceRuntime, type DeviceEnv } from './runtime.ts'
import { knownChannel, type DeviceState } from './store/state.ts'
import { claimKept, userClaim, type UserClaim } from './enrolment/user-claim.ts'

export type { Announcement, DeviceEnv } from './runtime.ts'

/** A device object as its callers see it, over RPC. */
export type DeviceStub = Omit<Device, 'alarm'>

export interface DeviceNamespace {
  getByName(name: string): DeviceStub
}

/** One device and its users (docs/architecture.md). Every method is one decision of a free function, in one commit. */
export class Device extends DurableObject<DeviceEnv> {
  readonly #runtime = new DeviceRuntime(this.ctx, this.env)

  async receive(input: DeviceInput): Promise<DeviceAnswer> {
    const { user } = input.message.enrollment
    const isQuiet = (state: DeviceState, now: number): boolean => isHeartbeat(state, input, now)
    return this.#runtime.glance(isQuiet, (context) => {
      const answer = receive(context, input)
      const channel = knownChannel(context.state, user)
      if (channel && input.message.kind === 'report') {
        answered(context, user)
        this.#runtime.came(channel.id)
      }
      return answer
    })
  }

  /** One commit at what an admin's address means; it writes nothing if that is another object. */
  async #at<Answer>(
    address: Address,
    decide: (context: Context, user: string) => Answer,
  ): Promise<Answer | Elsewhere> {
    return this.#runtime.commit(
      (context) => elsewhere(context, address) ?? decide(context, address.user),
    )
  }

  /** The same for one command: its id leads here while it is kept here, whatever its enrolment's id means. */
  async #atCommand<Answer>(
    address: Address,
    ref: commands.CommandRef,
    decide: (context: Context, user: string) => Answer,
  ): Promise<Answer | Elsewhere> {
    return this.#runtime.commit((context) => {
      const leadsElsewhere = commands.isHere(context, address.user, ref)
        ? undefined
        : elsewhere(context, address)
      return leadsElsewhere ?? decide(context, address.user)
    })
  }

  /** `since`: a job queues it, which began then, and repeats what it may have done before it died. */
  async enqueue(
    address: Address,
    command: NewCommand,
    since?: number,
  ): Promise<Queued | Elsewhere> {
    const queueIt = since === undefined ? queueCommand : once.enqueueOnce
    // A command that the device's OS does not have is an event, and no message of the device brings it.
    return this.#runtime.commitAndTell(
      (context) =>
        elsewhere(context, address) ?? queueIt(context, address.user, command, since ?? 0),
    )
  }

  async commandState(user: string, n: number): Promise<ReturnType<typeof once.commandState>> {
    return this.#runtime.commit((context) => once.commandState(context, user, n))
  }

  async viewQueue(address: Address, after: number): Promise<admin.QueuePage | Elsewhere> {
    return this.#at(address, (context, user) => admin.pageOfQueue(context, user, after))
  }

  async clearQueue(address: Address): Promise<admin.Cleared | Elsewhere> {
    return this.#at(address, admin.clearQueue)
  }

  /** A command, and if it is still pending, as it is when it ends or `ms` have passed; its push leaves at once. */
  async command(
    address: Address,
    ref: commands.CommandRef,
    ms: number,
  ): Promise<commands.CommandAnswer | Elsewhere> {
    const look = () =>
      this.#atCommand(address, ref, (context, user) => commands.viewCommand(context, user, ref))
    const answer = await look()
    if (ms === 0 || answer.kind !== 'command' || !answer.pending) {
      return answer
    }
    const end = this.#runtime.waiting.untilEnd(answer.row, ms)
    this.#runtime.ring()
    await end
    return look()
  }

  async listCommands(
    address: Address,
    filter: commands.CommandFilter,
  ): Promise<commands.CommandList | Elsewhere> {
    return this.#at(address, (context, user) => commands.listCommands(context, user, filter))
  }

  async cancelCommand(
    address: Address,
    ref: commands.CommandRef,
  ): Promise<commands.Cancelled | Elsewhere> {
    return this.#atCommand(address, ref, (context, user) =>
      commands.cancelCommand(context, user, ref),
    )
  }

  /** Lets held commands go out: that of `ref`, or all of the channel. */
  async releaseHeld(address: Address, ref?: commands.CommandRef): Promise<Released | Elsewhere> {
    const decide = (context: Context, user: string) => releaseHeld(context, user, ref)
    return ref ? this.#atCommand(address, ref, decide) : this.#at(address, decide)
  }

  async viewDevice(address: Address): Promise<DeviceView | Elsewhere> {
    return this.#at(address, viewDevice)
  }

  async viewTimeline(address: Address, filter: TimelineFilter): Promise<Timeline | Elsewhere> {
    return this.#at(address, (context, user) => viewTimeline(context, user, filter))
  }

  async block(): Promise<void> {
    return this.#runtime.commit(admin.block)
  }

  async unblock(): Promise<boolean> {
    return this.#runtime.commit(admin.unblock)
  }

  async isShutOut(fingerprint: string): Promise<boolean> {
    return this.#runtime.commit((context) => admin.isShutOut(context, fingerprint))
  }

  async hide(): Promise<boolean> {
    return this.#runtime.commit(admin.hide)
  }

  async proveSerial(serial: string, proven: boolean): Promise<admin.SerialWord> {
    return this.#runtime.commit((context) => admin.proveSerial(context, serial, proven))
  }

  /** Only the code before this one calls it, while a deploy goes on. */
  async displace(): Promise<void> {
    return Promise.resolve()
  }

  async reinstateIdentity(fingerprint: string): Promise<boolean> {
    return this.#runtime.commit((context) => admin.reinstateIdentity(context, fingerprint))
  }

  async revokeIdentity(fingerprint: string): Promise<boolean> {
    return this.#runtime.commit((context) => admin.revokeIdentity(context, fingerprint))
  }

  async identities(): Promise<readonly admin.ListedIdentity[]> {
    return this.#runtime.commit(admin.listIdentities)
  }

  /** An admin says which enrolment is the device. @returns false when none is contested. */
  async decide(proof: AdminProof): Promise<boolean> {
    return this.#runtime.commit((context) => settle(context, proof))
  }

  async requeue(address: Address): Promise<Requeued | Elsewhere> {
    return this.#at(address, requeue)
  }

  async retire(): Promise<boolean> {
    return this.#runtime.commit(admin.retire)
  }

  async readEscrow(
    kind: escrow.EscrowKind,
    token: number | undefined,
    reader: escrow.EscrowReader,
  ): Promise<escrow.EscrowAnswer> {
    return this.#runtime.commit((context) => escrow.readEscrow(context, kind, token, reader))
  }

  async revealCommand(
    address: Address,
    ref: commands.CommandRef,
    reader: escrow.EscrowReader,
  ): Promise<commands.CommandAnswer | Elsewhere> {
    return this.#atCommand(address, ref, (context, user) =>
      escrow.revealCommand(context, user, ref, reader),
    )
  }

  async listEscrow(): Promise<escrow.EscrowList> {
    return this.#runtime.commit(escrow.listEscrow)
  }

  async renewIdentity(succession: Succession): Promise<boolean> {
    return this.#runtime.commit((context) => renewIdentity(context, succession))
  }

  async renewalFacts(): Promise<RenewalFacts> {
    return this.#runtime.commit(renewalFacts)
  }

  async attemptRenewal(attempt: RenewalAttempt): Promise<RenewalAttempt> {
    return this.#runtime.commit((context) => attemptRenewal(context, attempt))
  }

  async renewalNeeded(eventId: string): Promise<void> {
    return this.#runtime.commitAndTell((context) => {
      renewalNeeded(context, eventId)
    })
  }

  /** Commands that wait under a name that is no device's; `undefined` when it is one's. */
  async waiting(after: number): Promise<move.Waiting | undefined> {
    return this.#runtime.commit((context) => move.waiting(context, after))
  }

  /** @returns false when there is no such user channel. */
  async takeOver(
    user: string,
    from: string,
    commanded: readonly QueuedCommand[],
  ): Promise<boolean> {
    return this.#runtime.commit((context) => move.takeOver(context, user, from, commanded))
  }

  async takenOver(numbers: readonly number[]): Promise<void> {
    return this.#runtime.commit((context) => {
      move.takenOver(context, numbers)
    })
  }

  /** Whether something waits under a name that is no device's. */
  async hasWaiting(): Promise<boolean> {
    return this.#runtime.commit(move.hasWaiting)
  }

  async userClaim(user: string): Promise<UserClaim> {
    return this.#runtime.commit((context) => userClaim(context, user))
  }

  /** The directory has the user's claim. */
  async claimKept(user: string): Promise<void> {
    return this.#runtime.commit((context) => {
      claimKept(context, user)
    })
  }

  async listedDeclarations(user: string): Promise<readonly string[]> {
    return this.#runtime.commit((context) => listedDeclarations(context, user))
  }

  async keepDeclarations(user: string, identifiers: readonly string[]): Promise<void> {
    return this.#runtime.commit((context) => {
      keepDeclarations(context, user, identifiers)
    })
  }

  async pull(request: Pull): Promise<Pulled> {
    return this.#runtime.commit((context) => pull(context, request))
  }

  /** @returns whether these subscribers have events to read that were recorded while the subscribers were unknown */
  async settleReaders(known: readonly string[]): Promise<boolean> {
    return this.#runtime.commit((context) => settleSubscribers(context, known))
  }

  /** Retries a dead letter, or deletes it. @returns whether its event was kept */
  async givenUp(subscriber: string, seq: number, retry: boolean): Promise<boolean> {
    return this.#runtime.commit((context) => settleDeadLetter(context, subscriber, seq, retry))
  }

  /** Sends kept events to a subscriber again. */
  async replay(address: Address, order: Replay): Promise<Replayed | Elsewhere> {
    return this.#runtime.commitAndTell(
      (context) => elsewhere(context, address) ?? replay(context, address.user, order),
    )
  }

  async viewDeliveries(address: Address, filter: DeliveryFilter): Promise<Deliveries | Elsewhere> {
    return this.#at(address, (context, user) => viewDeliveries(context, user, filter))
  }

  async directoryRow(): Promise<DirectoryRow | undefined> {
    return this.#runtime.commit(directoryRow)
  }

  async projected(version: number): Promise<void> {
    return this.#runtime.commit((context) => {
      projected(context, version)
    })
  }

  /** Pushes a channel now and waits for APNs's answer; only `/push/…` does. */
  async push(address: Address, expiration?: number): Promise<PushAnswer | Elsewhere> {
    const gone = await this.#at(address, () => undefined)
    return gone ?? this.#runtime.pushNow(address.user, expiration)
  }

  /** Pushes whatever waits: pushes may leave again, or this one `tries`. */
  async pushWaiting(tries = false): Promise<void> {
    const channels = await this.#runtime.commit(waitingChannels)
    await this.#runtime.pushPending(channels, { again: true, tries })
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    return this.#runtime.alarm(info)
  }
}
