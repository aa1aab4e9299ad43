/** The renewal of a device's identity by a pushed profile, as far as the device's object decides it. */
import type { InstalledProfile } from '../../enroll/installed-profile.ts'
import type { KnownEnrollment } from '../../enroll/renewal-profile.ts'
import { RENEWAL_NEEDED } from '../../events/topics.ts'
import type { Message, Report } from '../../mdm/message.ts'
import type { Context } from '../store/context.ts'
import { listAnew } from '../standing/directory-row.ts'
import { errorsIn } from '../../mdm/error-chain.ts'
import { commandId } from '../store/commands/ids.ts'
import {
  noteSender,
  newInstallation,
  NO_RENEWAL,
  RENEWAL_SOURCE,
  type Renewal,
} from '../store/installed.ts'
import { recordOwnEvent } from '../outbox/record.ts'
import { queueOf } from '../queue/window.ts'
import { appendCommand } from '../queue/enqueue.ts'
import type { NewCommand } from '../store/commands/new-command.ts'
import { channelOf } from '../store/channels.ts'
import { isUnproven } from '../store/rows/device.ts'
import { saveDevice } from '../store/rows/save.ts'

const MAX_REASON = 300

export type RenewalFacts =
  | ({ readonly kind: 'ready'; readonly identity: string } & KnownEnrollment)
  /** A renewal profile is queued already. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'unfit'; readonly reason: string }

/** Everything that the renewal profile of this device needs. */
export function renewalFacts(context: Context): RenewalFacts {
  const { device, identities } = context.state
  const { profile, serverUrl, checkInUrl, identity, renewal } = device.installed
  if (device.blocked) {
    return { kind: 'unfit', reason: 'the device is blocked: unblock it first' }
  }
  if (device.state !== 'enrolled') {
    return { kind: 'unfit', reason: 'the device is not enrolled: it has to enrol again' }
  }
  if (isUnproven(device)) {
    return {
      kind: 'unfit',
      reason:
        'the enrolment is contested: decide first which one is the device, ' +
        'with POST /api/enrollments/decide',
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

export type RenewalAttempt =
  /** `id`: that of the command, once it is queued. */
  | { readonly kind: 'sent'; readonly command: NewCommand; readonly id?: string }
  | { readonly kind: 'pending' }
  | { readonly kind: 'blocked'; readonly reason: string }

export function attemptRenewal(context: Context, attempt: RenewalAttempt): RenewalAttempt {
  const { device } = context.state
  // An unknown id: nothing may be stored for it.
  if (device.state === 'unknown') {
    return attempt
  }
  switch (attempt.kind) {
    case 'sent': {
      const channel = channelOf(context, '')
      const n = appendCommand(context, channel, { ...attempt.command, source: RENEWAL_SOURCE })
      saveRenewal(context, { state: 'sent', reason: '', command: attempt.command.uuid })
      return { ...attempt, id: commandId(context, channel, n) }
    }
    case 'pending':
      saveRenewal(context, { ...device.installed.renewal, state: 'sent' })
      break
    case 'blocked':
      saveRenewal(context, { state: 'blocked', reason: attempt.reason, command: '' })
      break
  }
  return attempt
}

/** The device requests its next identity in a way that is refused, and no renewal profile can be sent. */
export function renewalNeeded(context: Context, eventId: string): void {
  const { type, state } = context.state.device
  if (state !== 'enrolled') {
    return
  }
  const about = { enrollment: { type, device: context.name, user: '' }, params: {} }
  recordOwnEvent(context, { id: eventId, topic: RENEWAL_NEEDED, about })
}

/**
 * A new enrolment: the installed profile is unknown, unless the device has the same identity as before. The
 * time of the last renewal stays: a device that enrols again and again takes no other device's place in a
 * round.
 */
export function newEnrollment(
  context: Context,
  fingerprint: string,
  profile: InstalledProfile | undefined,
): void {
  const { installed } = context.state.device
  const kept = fingerprint === installed.identity ? installed.profile : undefined
  const renewal = { ...NO_RENEWAL, at: installed.renewal.at }
  Object.assign(installed, newInstallation(), { profile: profile ?? kept, renewal })
}

/** Keeps the profile that came with a new certificate, if this server made it. */
export function keepProfile(context: Context, profile: InstalledProfile | undefined): void {
  if (profile) {
    context.state.device.installed.profile = profile
  }
}

/**
 * Forgets the successors: they have enrolled, or others have replaced them. From now on an Authenticate with
 * one begins a new enrolment.
 */
export function forgetSuccessors(context: Context): void {
  const { device } = context.state
  if (device.installed.successors.length > 0) {
    device.installed.successors = []
    saveDevice(context)
  }
}

/** Notes the URL that a message was sent to, and a renewal that its certificate shows. */
export function noteMessage(
  context: Context,
  input: { readonly message: Message; readonly url: string; readonly fingerprint: string },
): void {
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
  // A late message that an older identity signed does not change the identity back.
  const newest = current && current.id > signer.id ? current : signer
  const changes = noteSender(installed, input.message, {
    url: input.url,
    fingerprint: newest.fingerprint,
    fresh: isFresh(context, input.message),
  })
  if (changes.identity) {
    if (before !== '') {
      // A renewal by SCEP alone has no message.
      const renewed = installed.renewal.state === 'sent' || installed.renewal.state === 'renewed'
      installed.renewal = renewed
        ? { ...NO_RENEWAL, state: 'renewed', at: context.now }
        : { ...NO_RENEWAL, at: installed.renewal.at }
    }
    // An Authenticate needs no announcement here: the claim of its certificate has written the row already,
    // with the identity.
    if (input.message.kind === 'report' || input.message.messageType !== 'Authenticate') {
      announceChange(context)
    }
  }
  if (changes.identity || changes.url) {
    saveDevice(context)
  }
}

/**
 * Whether a message cannot have been captured before: it answers a pending command, or is an Authenticate.
 */
function isFresh({ effects }: Context, message: Message): boolean {
  return message.kind === 'report'
    ? message.status !== 'Idle' && effects.finished.size > 0
    : message.messageType === 'Authenticate'
}

/** Notes that the device refused the renewal profile. */
export function noteReport(context: Context, report: Report, body: Uint8Array): void {
  const { state, command } = context.state.device.installed.renewal
  if (
    state === 'sent' &&
    report.commandUUID === command &&
    (report.status === 'Error' || report.status === 'CommandFormatError')
  ) {
    const words = errorsIn(body).join(': ').slice(0, MAX_REASON).toWellFormed()
    saveRenewal(context, { state: 'failed', reason: words || report.status, command })
  }
}

function saveRenewal(context: Context, renewal: Omit<Renewal, 'at'>): void {
  const { device } = context.state
  device.installed.renewal = { ...renewal, at: context.now }
  saveDevice(context)
  announceChange(context)
}

/** Announces the directory's row, once in a commit. */
function announceChange(context: Context): void {
  if (!context.effects.toAnnounce.directory) {
    listAnew(context)
  }
}
