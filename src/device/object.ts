import { DurableObject } from 'cloudflare:workers'
import type { Offer } from '../ddm/manifest/offer.ts'
import { mayFetch } from './declarations/files.ts'
import { answerRequest, type DeclarationRequest } from './declarations/requests.ts'
import { offerDeclarations, type OfferTerms } from './declarations/offer.ts'
import { keepDeclarations, listedDeclarations } from './declarations/passed-on.ts'
import { renewIdentity, type Succession } from './enrolment/identity.ts'
import { reinstateIdentity, revokeIdentity } from './enrolment/revocation.ts'
import { isHeartbeat, receive } from './enrolment/receive.ts'
import type { DeviceAnswer, DeviceInput } from './enrolment/message.ts'
import * as renewal from './enrolment/renewal.ts'
import { claimKept, userClaim } from './enrolment/user-claim.ts'
import { settleSubscribers } from './outbox/cursors.ts'
import { recordNews, type AccountNews } from './outbox/account.ts'
import { onlyReads, pull, type Pull } from './outbox/read.ts'
import { replay, settleDeadLetter, type Replay } from './outbox/replay.ts'
import { recordServerNews, type ServerNews } from './outbox/server.ts'
import { viewQueue, type QueuedCommand } from './queue/page.ts'
import type { NewCommand } from './store/commands/new-command.ts'
import { releaseHeld, releaseSome, type Released, type ReleaseFilter } from './queue/held.ts'
import { listCommands, revealCommand, stateOfCommand } from './queue/lookup.ts'
import type { CommandFilter, CommandRef } from './queue/lookup.ts'
import * as move from './queue/move.ts'
import { cancelCommand, clearQueue, type Cancelled } from './queue/cancel.ts'
import { restoreSuperseded } from './queue/restore-superseded.ts'
import { endOfStay } from './runtime/residents.ts'
import { exportRecord } from './moved/export.ts'
import { moveIn, type MoveIn } from './moved/take.ts'
import type { Look } from './runtime/look.ts'
import { DeviceRuntime, type DeviceEnv } from './runtime/runtime.ts'
import { answerSetup, type SetupRequest } from './setup/requests.ts'
import { queueWithSetup } from './setup/queued.ts'
import { block, isBarred, unblock } from './standing/block.ts'
import { hide, retire } from './standing/leave.ts'
import { proveSerial } from './standing/prove-serial.ts'
import { decideStanding } from './standing/unproven.ts'
import { listEscrow } from './store/escrow/list.ts'
import type { EscrowKind, EscrowReader } from './store/escrow/reads.ts'
import { readEscrow } from './store/escrow/tokens.ts'
import { ITSELF, type Address } from './store/address.ts'
import { directoryRow, projected, unlisted } from './standing/directory-row.ts'
import type { AdminProof } from './store/proof.ts'
import { viewDeliveries, type DeliveryFilter } from './views/deliveries.ts'
import { viewDevice } from './views/device.ts'
import { listSecrets } from './views/secrets.ts'
import { viewTimeline, type TimelineFilter } from './views/timeline.ts'

/**
 * One device and its users (docs/architecture.md §1). Each method runs one decision in one commit: `commit`
 * always, `at` unless the address leads to another object, `look` only if this object holds something.
 * Objects of two versions run during a deploy, so names and arguments stay.
 */
export class Device extends DurableObject<DeviceEnv> {
  readonly #runtime = new DeviceRuntime(this.ctx, this.env)

  async receive(input: DeviceInput): Promise<DeviceAnswer> {
    return this.#runtime.glance(
      (context) => isHeartbeat(context, input),
      (context) => receive(context, input),
    )
  }

  /** `since`: the command is a job's, which began then. A repeated call of a job queues nothing twice. */
  async enqueue(address: Address, command: NewCommand, since?: number) {
    return this.#runtime.at(address, (context, user) =>
      queueWithSetup(context, user, command, since),
    )
  }
  async commandState(user: string, n: number) {
    return this.#runtime.commit((context) => stateOfCommand(context, user, n))
  }
  async viewQueue(address: Address, after: number) {
    return this.#runtime.at(address, (context, user) => viewQueue(context, user, after))
  }
  async clearQueue(address: Address) {
    return this.#runtime.look(address, clearQueue)
  }
  async command(address: Address, ref: CommandRef, ms: number) {
    return this.#runtime.command(address, ref, ms)
  }
  async listCommands(address: Address, filter: CommandFilter) {
    return this.#runtime.look(address, (context, channel) => listCommands(context, channel, filter))
  }
  async cancelCommand(address: Address, ref: CommandRef) {
    const decide: Look<Cancelled> = (context, channel) => cancelCommand(context, channel, ref)
    return this.#runtime.look(address, decide, ref)
  }

  /** Lets held commands go out: that of `ref`, or all of the channel. */
  async releaseHeld(address: Address, ref?: CommandRef) {
    const decide: Look<Released> = (context, channel) => releaseHeld(context, channel, ref)
    return this.#runtime.look(address, decide, ref)
  }

  /** Lets held commands of a channel go out that fit a filter. The previous code would ignore a filter. */
  async releaseSome(address: Address, filter: ReleaseFilter) {
    return this.#runtime.look(address, (context, channel) => releaseSome(context, channel, filter))
  }
  async viewDevice(address: Address) {
    return this.#runtime.look(address, viewDevice)
  }
  async viewTimeline(address: Address, filter: TimelineFilter) {
    return this.#runtime.look(address, (context, channel) => viewTimeline(context, channel, filter))
  }
  async block() {
    return this.#runtime.commit(block)
  }
  async unblock() {
    return this.#runtime.commit(unblock)
  }
  async isShutOut(fingerprint: string) {
    return this.#runtime.commit((context) => isBarred(context, fingerprint))
  }
  async hide() {
    return this.#runtime.commit(hide)
  }
  async proveSerial(serial: string, proven: boolean) {
    return this.#runtime.commit((context) => proveSerial(context, serial, proven))
  }
  async reinstateIdentity(fingerprint: string) {
    return this.#runtime.commit((context) => reinstateIdentity(context, fingerprint))
  }
  async revokeIdentity(fingerprint: string) {
    return this.#runtime.commit((context) => revokeIdentity(context, fingerprint))
  }

  /** A record of the device came from another server. */
  async moveIn(record: MoveIn) {
    return this.#runtime.commit((context) => moveIn(context, record))
  }

  /** The record of the device for another server. */
  async exportRecord(reader: EscrowReader) {
    return this.#runtime.look(ITSELF, (context) => exportRecord(context, reader))
  }

  /** An admin says which enrolment is the device. @returns false if the enrolment is not contested */
  async decide(proof: AdminProof) {
    return this.#runtime.commit((context) => decideStanding(context, proof))
  }
  async requeue(address: Address) {
    return this.#runtime.look(address, restoreSuperseded)
  }
  async retire() {
    return this.#runtime.commit(retire)
  }

  async readEscrow(
    kind: EscrowKind,
    token: number | undefined,
    reader: EscrowReader,
    address = ITSELF,
  ) {
    return this.#runtime.look(address, (context) => readEscrow(context, kind, token, reader))
  }
  async revealCommand(address: Address, ref: CommandRef, reader: EscrowReader) {
    const decide: Look<ReturnType<typeof revealCommand>> = (context, { user }) =>
      revealCommand(context, user, ref, reader)
    return this.#runtime.look(address, decide, ref)
  }
  async listEscrow(address = ITSELF) {
    return this.#runtime.look(address, listEscrow)
  }
  async listSecrets(address: Address) {
    return this.#runtime.look(address, listSecrets)
  }

  async renewIdentity(succession: Succession) {
    return this.#runtime.commit((context) => renewIdentity(context, succession))
  }
  async renewalFacts() {
    return this.#runtime.commit(renewal.renewalFacts)
  }
  async attemptRenewal(attempt: renewal.RenewalAttempt) {
    return this.#runtime.commit((context) => renewal.attemptRenewal(context, attempt))
  }
  async renewalNeeded(eventId: string) {
    return this.#runtime.commitAndAnnounce((context) => renewal.renewalNeeded(context, eventId))
  }

  /** Commands that wait for a device to enrol with this id; `undefined` if the id is a device's. */
  async waiting(after: number) {
    return this.#runtime.commit((context) => move.viewWaiting(context, after))
  }
  async takeOver(user: string, from: string, commanded: readonly QueuedCommand[]) {
    return this.#runtime.commit((context) => move.takeOver(context, user, from, commanded))
  }
  async takenOver(numbers: readonly number[]) {
    return this.#runtime.commit((context) => move.endMoved(context, numbers))
  }
  async hasWaiting() {
    return this.#runtime.commit(move.hasWaiting)
  }
  async userClaim(user: string) {
    return this.#runtime.commit((context) => userClaim(context, user))
  }

  /** The directory has the user's claim. */
  async claimKept(user: string) {
    return this.#runtime.commit((context) => claimKept(context, user))
  }

  async listedDeclarations(user: string) {
    return this.#runtime.commit((context) => listedDeclarations(context, user))
  }
  async keepDeclarations(user: string, identifiers: readonly string[]) {
    return this.#runtime.commit((context) => keepDeclarations(context, user, identifiers))
  }

  /** What the catalog of declarations has for this device. Without `terms` it is only a preview. */
  async offerDeclarations(offer: Offer, terms?: OfferTerms) {
    return this.#runtime.commitAndAnnounce((context) => offerDeclarations(context, offer, terms))
  }

  async declarations(address: Address, request: DeclarationRequest) {
    return this.#runtime.look(address, (context, channel) =>
      answerRequest(context, channel, request),
    )
  }

  /** The setup of the device: its runs, and what an admin or the Worker does with them. */
  async setup(request: SetupRequest) {
    return this.#runtime.commitAndAnnounce((context) => answerSetup(context, request))
  }

  /** This object is the outbox of an account of Automated Device Enrollment, or of the deployment. */
  async recordNews(news: AccountNews) {
    return this.#runtime.commitAndAnnounce((context) => recordNews(context, news))
  }
  async recordServerNews(news: readonly ServerNews[]) {
    return this.#runtime.commitAndAnnounce((context) => recordServerNews(context, news))
  }

  /** Whether a hosted file belongs to what this device is offered. */
  async mayFetch(sha256: string, fingerprint: string) {
    return this.#runtime.commit((context) => mayFetch(context, sha256, fingerprint))
  }

  async pull(request: Pull) {
    return this.#runtime.glance(
      () => onlyReads(request),
      (context) => pull(context, request),
    )
  }

  /** @returns whether these subscribers have events to read from when they were unknown */
  async settleReaders(known: readonly string[]) {
    return this.#runtime.commit((context) => settleSubscribers(context, known))
  }

  /** Retries a dead letter, or deletes it. @returns whether its event was kept */
  async givenUp(subscriber: string, seq: number, retry: boolean) {
    return this.#runtime.commit((context) => settleDeadLetter(context, subscriber, seq, retry))
  }
  async replay(address: Address, order: Replay) {
    return this.#runtime.look(address, (context, { user }) => replay(context, user, order))
  }
  async viewDeliveries(address: Address, filter: DeliveryFilter) {
    return this.#runtime.look(address, (context, { user }) => viewDeliveries(context, user, filter))
  }
  async directoryRow() {
    return this.#runtime.commit(directoryRow)
  }
  async projected(version: number) {
    return this.#runtime.commit((context) => projected(context, version))
  }
  async unlisted() {
    return this.#runtime.commit(unlisted)
  }

  /** For a probe of the health of the deployment. */
  async inspect() {
    return this.#runtime.inspect()
  }
  async repair() {
    return this.#runtime.repair()
  }

  async push(address: Address, expiration?: number) {
    return this.#runtime.push(address, expiration)
  }
  async pushWaiting(tries = false) {
    return this.#runtime.pushWaiting(tries)
  }

  /** Opens a stream of what happens here, as a WebSocket. */
  override async fetch(request: Request) {
    return this.#runtime.watch(request)
  }

  /** The object calls this itself: the runtime keeps an object in memory while a call is under way. */
  async stay() {
    return endOfStay(this.ctx.id.name ?? '')
  }

  override async alarm(info?: AlarmInvocationInfo) {
    return this.#runtime.alarm(info)
  }
}
