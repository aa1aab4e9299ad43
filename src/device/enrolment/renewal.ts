/** The renewal of a device's identity by a pushed profile, as far as its object decides it. */
import type { InstalledProfile } from '../../enroll/installed-profile.ts'
import type { KnownEnrollment } from '../../enroll/renewal-profile.ts'
import { RENEWAL_NEEDED } from '../../events/topics.ts'
import type { Message, Report } from '../../mdm/message.ts'
import type { Context } from '../store/context.ts'
import { listAnew } from '../standing/directory-row.ts'
import { errorsIn } from '../../mdm/error-chain.ts'
import { commandId } from '../queue/lookup.ts'
import {
  learn,
  newInstalled,
  NO_RENEWAL,
  RENEWAL_SOURCE,
  type Renewal,
} from '../store/installed.ts'
import { recordEvent } from '../outbox/record.ts'
import { queueOf } from '../queue/window.ts'
import { enqueue, type NewCommand } from '../queue/hand-out.ts'
import { channelOf, saveDevice } from '../store/state.ts'
import type { DeviceInput } from './receive.ts'

const MAX_REASON = 300

export type RenewalFacts =
  | ({ readonly kind: 'ready'; readonly identity: string } & KnownEnrollment)
  /** A renewal profile is on its way already. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'unfit'; readonly reason: string }

/** What has to be known to write the renewal profile of this device. */
export function renewalFacts(context: Context): RenewalFacts {
  const { device, identities } = context.state
  const { profile, serverUrl, checkInUrl, identity, renewal } = device.installed
  if (device.blocked) {
    return { kind: 'unfit', reason: 'the device is blocked: unblock it first' }
  }
  if (device.state !== 'enrolled') {
    return { kind: 'unfit', reason: 'the device is not enrolled: it has to enrol again' }
  }
  if (device.contest) {
    return {
      kind: 'unfit',
      reason:
        'the enrolment is contested: say first which one is the device, with POST /api/enrollments/decide',
    }
  }
  if (!identities.some((known) => known.fingerprint === identity && known.epoch === device.epoch)) {
    return { kind: 'unfit', reason: 'it is not known which identity the device has' }
  }
  const channel = channelOf(context, '')
  if (
    renewal.state === 'sent' &&
    queueOf(context, channel).pending.some(({ uuid }) => uuid === renewal.command)
  ) {
    return { kind: 'pending' }
  }
  const { topic } = channel
  return { kind: 'ready', identity, type: device.type, profile, serverUrl, checkInUrl, topic }
}

/** What became of an attempt at a renewal. */
export type RenewalAttempt =
  /** `id`: that of the command, once it is queued. */
  | { readonly kind: 'sent'; readonly command: NewCommand; readonly id?: string }
  | { readonly kind: 'pending' }
  | { readonly kind: 'blocked'; readonly reason: string }

export function attemptRenewal(context: Context, attempt: RenewalAttempt): RenewalAttempt {
  const { device } = context.state
  // Asked of an id that nobody knows: nothing is to be kept of it.
  if (device.state === 'unknown') {
    return attempt
  }
  switch (attempt.kind) {
    case 'sent': {
      const channel = channelOf(context, '')
      const n = enqueue(context, channel, { ...attempt.command, source: RENEWAL_SOURCE })
      goOn(context, { state: 'sent', reason: '', command: attempt.command.uuid })
      return { ...attempt, id: commandId(context, channel, n) }
    }
    case 'pending':
      goOn(context, { ...device.installed.renewal, state: 'sent' })
      break
    case 'blocked':
      goOn(context, { state: 'blocked', reason: attempt.reason, command: '' })
      break
  }
  return attempt
}

/** The device asked for its next identity in a way that gets it none, and no renewal profile can be sent. */
export function renewalNeeded(context: Context, eventId: string): void {
  const { type, state } = context.state.device
  if (state !== 'enrolled') {
    return
  }
  const about = { enrollment: { type, device: context.name, user: '' }, params: {} }
  const body = new Uint8Array()
  // The object does not know who listens.
  recordEvent(context, { id: eventId, topic: RENEWAL_NEEDED, about, body }, undefined)
}

/**
 * A new enrolment: what was installed before is gone, unless the device came with the identity it had. When it was renewed last
 * stays: a device that enrols again and again takes no other's place in a round.
 */
export function newEnrollment(
  context: Context,
  fingerprint: string,
  profile: InstalledProfile | undefined,
): void {
  const { installed } = context.state.device
  const kept = fingerprint === installed.identity ? installed.profile : undefined
  const renewal = { ...NO_RENEWAL, at: installed.renewal.at }
  Object.assign(installed, newInstalled(), { profile: profile ?? kept, renewal })
}

/** A profile made here came with the certificate that a message is the first to be signed with. */
export function keepProfile(context: Context, profile: InstalledProfile | undefined): void {
  if (profile) {
    context.state.device.installed.profile = profile
  }
}

/** They have enrolled, or been overtaken: an Authenticate with one of them begins anew from now on. */
export function forgetSuccessors(context: Context): void {
  const { device } = context.state
  if (device.installed.successors.length > 0) {
    device.installed.successors = []
    saveDevice(context.db, device)
  }
}

/** What a message tells beside its content: where it was sent, and that a renewal has come about. */
export function noteMessage(context: Context, input: DeviceInput): void {
  const { device, identities } = context.state
  const { installed } = device
  const signer = identities.find(({ fingerprint }) => fingerprint === input.fingerprint)
  if (!signer) {
    return
  }
  const before = installed.identity
  const current = identities.find(
    ({ fingerprint, epoch }) => fingerprint === before && epoch === device.epoch,
  )
  // A message that an older identity signed, under way while the newer came, takes nothing back.
  const newest = current && current.id > signer.id ? current : signer
  const news = learn(installed, input.message, {
    url: input.url,
    fingerprint: newest.fingerprint,
    fresh: isFresh(context, input.message),
  })
  if (news.identity) {
    if (before !== '') {
      // Also by SCEP alone, of which no message tells.
      const renewed = installed.renewal.state === 'sent' || installed.renewal.state === 'renewed'
      installed.renewal = renewed
        ? { ...NO_RENEWAL, state: 'renewed', at: context.now }
        : { ...NO_RENEWAL, at: installed.renewal.at }
    }
    // Who authenticates is listed anew in any case: at first by the claim, which tells the identity too.
    if (input.message.kind === 'report' || input.message.messageType !== 'Authenticate') {
      announceChange(context)
    }
  }
  if (news.identity || news.url) {
    saveDevice(context.db, device)
  }
}

/** Whether nobody can have captured a message before: it answers a command that waited, or an Authenticate begins anew. */
function isFresh({ effects }: Context, message: Message): boolean {
  return message.kind === 'report'
    ? message.status !== 'Idle' && effects.finished.size > 0
    : message.messageType === 'Authenticate'
}

/** The device would not take the renewal profile. */
export function noteReport(context: Context, report: Report, body: Uint8Array): void {
  const { state, command } = context.state.device.installed.renewal
  if (
    state === 'sent' &&
    report.commandUUID === command &&
    (report.status === 'Error' || report.status === 'CommandFormatError')
  ) {
    const words = errorsIn(body).join(': ').slice(0, MAX_REASON).toWellFormed()
    goOn(context, { state: 'failed', reason: words || report.status, command })
  }
}

function goOn(context: Context, renewal: Omit<Renewal, 'at'>): void {
  const { device } = context.state
  device.installed.renewal = { ...renewal, at: context.now }
  saveDevice(context.db, device)
  announceChange(context)
}

/** Once in a commit is enough: the directory's row is read when the directory asks. */
function announceChange(context: Context): void {
  if (!context.effects.toAnnounce.directory) {
    listAnew(context)
  }
}
