import type { InstalledProfile } from '../../enroll/installed-profile.ts'
import { aboutMessage } from '../../events/event.ts'
import { IDENTITY_CONFLICT } from '../../events/topics.ts'
import { deviceTypeOf } from '../../mdm/enrollment.ts'
import type { Message, Report } from '../../mdm/message.ts'
import { beginsRound } from '../../mdm/queue.ts'
import { checkIn } from './check-in.ts'
import type { Context } from '../store/context.ts'
import { isKept, isUndecided, nextEpoch } from '../standing/contest.ts'
import { passTime, settle } from '../standing/contest-end.ts'
import { changed, announcementOf, type AnnouncementBody } from '../standing/directory-row.ts'
import { noteArrival } from '../queue/held.ts'
import { bind, standing, type Claim, type Standing } from './identity.ts'
import { saveIdentity, type Identity } from '../store/identity-row.ts'
import { recordEvent } from '../outbox/record.ts'
import type { Subscribers } from '../store/events.ts'
import { record, recordContest, recordDeferred } from './message-events.ts'
import { applyReport, handOut } from '../queue/hand-out.ts'
import { acknowledges } from '../queue/mdm-profile.ts'
import { noteUse } from '../store/channels.ts'
import { finishKept, hearKept } from './returning.ts'
import { keepProfile, noteMessage, noteReport } from './renewal.ts'
import { noteConnect } from '../push/decide.ts'
import { hasRoom } from './storage-limit.ts'
import { channelOf, knownChannel, type DeviceState } from '../store/state.ts'
import { wantedClaim, type NewClaim } from './user-claim.ts'

/** A device's message, its signature verified over the exact bytes of `body`. */
export interface DeviceInput {
  readonly message: Message
  /** The exact bytes; empty when nobody listens and nothing of it would be kept. */
  readonly body: Uint8Array
  readonly eventId: string
  /** The URL that the device called, and its query parameters. */
  readonly url: string
  readonly params: Readonly<Record<string, string>>
  readonly fingerprint: string
  readonly claim?: Claim
  /** The enrolment profile that a new certificate came with, if it was made here. */
  readonly profile?: InstalledProfile | undefined
  /** Subscribers that want this message's topic, and those that want to hear of identity conflicts. */
  readonly listeners: Subscribers
  readonly conflictListeners: Subscribers
  /** Those that want to hear of commands that devices put off. */
  readonly deferredListeners: Subscribers
  /** Of an Authenticate or CheckOut with a signature: what was signed, as a digest. */
  readonly digest?: string | undefined
  /** Those that want to hear of contested enrolments; absent where the caller does not know the topic. */
  readonly contestListeners?: Subscribers
}

export type DeviceAnswer =
  | {
      readonly kind: 'accepted'
      readonly reply?: Uint8Array
      /** Admins meant a user by the device's id, and have not said yet that the device is meant. */
      readonly contested?: true
      /** The enrolment is not proven: what declares its state is for the enrolment from before. */
      readonly unproven?: true
      /** The answer is not known yet: the device has to come again. */
      readonly later?: true
      /** Signed by an identity that lost a contest: it gets an empty answer, whatever it asks. */
      readonly frozen?: true
      /** The directory does not know this user's claim yet: it has to be kept there before the device gets its answer. */
      readonly claim?: NewClaim
      readonly news: AnnouncementBody
    }
  /** The certificate is new here: check its chain, claim it unless the device is blocked, and come again. */
  | { readonly kind: 'unclaimed'; readonly blocked: boolean }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Signed by an identity of an earlier enrolment: 503 until an admin reinstates it. */
  | { readonly kind: 'conflict'; readonly news: AnnouncementBody }
  | { readonly kind: 'blocked' }
  /** Its events have filled what it may fill: 503 until those that listen have taken them. */
  | { readonly kind: 'full' }

/** Whether a message will hardly change anything: an Idle that nobody hears of, where no command waits. */
export function isHeartbeat(state: DeviceState, input: DeviceInput, now: number): boolean {
  const { message, listeners } = input
  const channel = knownChannel(state, message.enrollment.user)
  const queue = channel && state.queues.get(channel.id)
  return (
    message.kind === 'report' &&
    beginsRound(message) &&
    listeners?.length === 0 &&
    queue?.pending.length === 0 &&
    !queue.more &&
    Math.min(queue.heldUntil, queue.expiresAt) > now
  )
}

/** Takes in one message: identity, state change, event and answer are one commit (docs/architecture.md). */
export function receive(context: Context, input: DeviceInput): DeviceAnswer {
  const answer = answerTo(context, input)
  if (input.message.kind === 'report') {
    noteConnect(context, input.message.enrollment.user)
  }
  return answer
}

function answerTo(context: Context, input: DeviceInput): DeviceAnswer {
  passTime(context)
  const stands = standing(context, input.fingerprint, input.message)
  if (stands.kind === 'refused') {
    return stands
  }
  const blocked = context.state.device.blocked && input.message.kind === 'report'
  if (stands.kind === 'frozen') {
    return blocked ? { kind: 'blocked' } : unchanged(context, { frozen: true })
  }
  if (stands.kind === 'earlier') {
    if (!isKept(context, stands.identity)) {
      return conflict(context, input, stands.identity)
    }
    return blocked ? { kind: 'blocked' } : comeBack(context, input, stands.identity)
  }
  if (stands.kind === 'bound' && isReplay(context, input, stands.identity)) {
    return unchanged(context)
  }
  if (stands.kind !== 'bound' && input.claim === undefined) {
    return { kind: 'unclaimed', blocked }
  }
  if (blocked) {
    return { kind: 'blocked' }
  }
  if (input.body.length > 0 && !hasRoom(context)) {
    return { kind: 'full' }
  }
  const answer = take(context, input, identityOf(context, input, stands))
  noteMessage(context, input)
  noteUse(context, input.message.enrollment.user)
  seen(context)
  return { ...answer, news: announcementOf(context) }
}

function unchanged(context: Context, more: { readonly frozen?: true } = {}): DeviceAnswer {
  return { kind: 'accepted', ...more, news: announcementOf(context) }
}

/** The same message again, word for word, changes nothing. A device that left, or was deleted, it may enrol once more. */
function isReplay(
  { state }: Context,
  { digest, message }: DeviceInput,
  identity: Identity,
): boolean {
  const enrolsAgain =
    (state.device.state === 'checked_out' || state.device.hidden) &&
    message.kind === 'checkin' &&
    message.messageType === 'Authenticate' &&
    identity.epoch === state.device.epoch
  return digest !== undefined && identity.heard.includes(digest) && !enrolsAgain
}

/** A message by the identity of an enrolment that is kept, while another is contested. Its check-ins are for later. */
function comeBack(context: Context, input: DeviceInput, identity: Identity): DeviceAnswer {
  const { message } = input
  if (message.kind === 'checkin') {
    return finishKept(context, message, identity)
      ? unchanged(context)
      : conflict(context, input, identity)
  }
  const who = { identity, random: input.eventId }
  const { reply, answered } = hearKept(context, message, input.body, who)
  if (answered) {
    record(context, input, {})
  }
  return { kind: 'accepted', ...(reply ? { reply } : {}), news: announcementOf(context) }
}

/** The sender's identity in this enrolment; none when it is only tolerated, or is Authenticate's to bind. */
function identityOf(
  context: Context,
  input: DeviceInput,
  stands: Extract<Standing, { kind: 'bound' | 'claimable' | 'tolerated' }>,
): Identity | undefined {
  const { message, claim } = input
  switch (stands.kind) {
    case 'bound':
      return stands.identity
    case 'claimable': {
      const authenticates = message.kind === 'checkin' && message.messageType === 'Authenticate'
      return claim && !authenticates ? adopt(context, input, claim) : undefined
    }
    case 'tolerated':
      context.effects.notes.push({ event: 'mdm:identity-tolerated', device: context.name })
      return undefined
  }
}

function take(
  context: Context,
  input: DeviceInput,
  identity: Identity | undefined,
): Omit<Extract<DeviceAnswer, { kind: 'accepted' }>, 'news'> {
  const { message } = input
  const claim = wantedClaim(context, message)
  if (message.kind === 'report') {
    const reply = connect(context, message, input)
    return { kind: 'accepted', ...(reply ? { reply } : {}), ...claim }
  }
  const effect = checkIn(context, message, {
    fingerprint: input.fingerprint,
    identity,
    claim: input.claim,
    profile: input.profile,
    digest: input.digest ?? '',
  })
  record(context, input, effect)
  if (effect.contested !== undefined) {
    recordContest(context, input, effect.contested)
  }
  return {
    kind: 'accepted',
    ...(effect.later ? { later: true } : {}),
    ...(context.state.device.contest ? { unproven: true } : {}),
    ...(effect.reply ? { reply: effect.reply } : {}),
    ...(context.state.device.namesake === 'contested' ? { contested: true } : {}),
    ...claim,
  }
}

/** A report: its effect on the queue, its event, and the next command (Apple, "Send MDM commands to a device"). */
function connect(context: Context, report: Report, input: DeviceInput): Uint8Array | undefined {
  const { contest } = context.state.device
  const isComplete = context.state.device.state === 'enrolled' && isUndecided(context)
  if (isComplete && acknowledges(context, report, contest?.renewal ?? [])) {
    settle(context, 'profile')
  }
  const channel = channelOf(context, report.enrollment.user)
  const effect = applyReport(context, channel, report, input.body)
  if (effect.kind !== 'repeat') {
    record(context, input, {})
    noteReport(context, report, input.body)
  }
  if (effect.kind === 'deferred') {
    recordDeferred(context, input, effect)
  }
  if (effect.kind === 'unknown') {
    context.effects.notes.push({
      event: 'mdm:unknown-command',
      device: context.name,
      status: report.status,
    })
  }
  return handOut(context, channel)
}

/** A device that nobody knows, with an acceptable certificate that is bound nowhere else, is taken in. */
function adopt(context: Context, input: DeviceInput, claim: Claim): Identity {
  const { device } = context.state
  noteArrival(context, claim.namesakes)
  device.epoch = nextEpoch(context)
  device.type = deviceTypeOf(input.message.enrollment)
  device.state = 'enrolled'
  keepProfile(context, input.profile)
  changed(context)
  context.effects.notes.push({ event: 'mdm:adopted', device: device.name })
  return bind(context, input.fingerprint, claim, { what: 'bound', proof: 'adopted', digest: '' })
}

function conflict(context: Context, input: DeviceInput, identity: Identity): DeviceAnswer {
  if (!identity.reported) {
    identity.reported = true
    saveIdentity(context.db, identity)
    recordEvent(
      context,
      {
        id: input.eventId,
        topic: IDENTITY_CONFLICT,
        about: {
          ...aboutMessage(input.message, input.params),
          fingerprint: identity.fingerprint,
        },
        body: input.body,
      },
      input.conflictListeners,
    )
    context.effects.notes.push({
      event: 'mdm:identity-conflict',
      device: context.name,
      fingerprint: identity.fingerprint,
    })
  }
  return { kind: 'conflict', news: announcementOf(context) }
}

/** Being seen costs nothing by itself: the row is written when it lags by the resolution. */
function seen(context: Context): void {
  const { device } = context.state
  context.state.heardAt = context.now
  const lag = context.now - device.lastSeen
  if (device.state !== 'unknown' && lag >= context.settings.lastSeenResolution) {
    changed(context)
  }
}
