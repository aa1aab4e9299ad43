import { deviceTypeOf } from '../../mdm/enrollment.ts'
import type { Report } from '../../mdm/message.ts'
import { beginsRound } from '../../mdm/queue.ts'
import { noteConnect } from '../push/decide.ts'
import { handOut } from '../queue/hand-out.ts'
import { acknowledges } from '../queue/mdm-profile.ts'
import { queueOf } from '../queue/window.ts'
import { advanceSetup, takeHeld } from '../setup/advance.ts'
import { beginInterrupted, supersedeSetup, takeSetupTurn } from '../setup/begin.ts'
import { dropLostSetup, enterSetup } from '../setup/enter.ts'
import { isKept, isUndecided, nextEpoch } from '../standing/contest.ts'
import { advanceContest, settleContest } from '../standing/contest-end.ts'
import {
  announcementOf,
  announceOverdue,
  noteChange,
  projected,
} from '../standing/directory-row.ts'
import { channelOf, knownChannel, noteChannelUse } from '../store/channels.ts'
import type { Context } from '../store/context.ts'
import { takeOfferTurn } from '../store/pace.ts'
import type { Identity } from '../store/rows/identity.ts'
import { noteArrival, noteCall } from './arrival.ts'
import { checkIn } from './check-in.ts'
import { declare } from './declare.ts'
import { takeReport } from './device-information.ts'
import {
  bindIdentity,
  completeIdentity,
  standingOf,
  type Claim,
  type Standing,
} from './identity.ts'
import type { DeviceAnswer, DeviceInput, MovedStanding } from './message.ts'
import { recordConflict, recordContest, recordDeferred, recordMessage } from './message-events.ts'
import { keepProfile, noteMessage, noteReport } from './renewal.ts'
import { finishKept, receiveKept } from './returning.ts'
import { hasRoomFor } from './storage-limit.ts'
import { wantedClaim } from './user-claim.ts'
import { isUnproven } from '../store/rows/device.ts'
import { saveDevice } from '../store/rows/save.ts'

/**
 * Whether a message changes hardly anything, and no subscriber wants it: an Idle while no command waits, or a
 * request for declarations.
 */
export function isHeartbeat(
  context: Context,
  { message, listeners, listed = 0 }: DeviceInput,
): boolean {
  if (listeners?.length !== 0 || listed > context.state.device.projected) {
    return false
  }
  if (message.kind !== 'report') {
    return message.messageType === 'DeclarativeManagement' && message.endpoint !== 'status'
  }
  if (!beginsRound(message)) {
    return false
  }
  const channel = knownChannel(context.state, message.enrollment.user)
  const queue = channel && queueOf(context, channel)
  return queue?.pending.length === 0 && !queue.more
}

/** Takes one message: identity, state change, event and answer are one commit (docs/architecture.md §3). */
export function receive(context: Context, input: DeviceInput): DeviceAnswer {
  context.effects.toAnnounce.awaited = input.lists === true
  projected(context, input.listed ?? 0)
  const answer = answerTo(context, input)
  if (input.message.kind === 'report') {
    noteConnect(context, input.message.enrollment.user)
  }
  return answer
}

function answerTo(context: Context, input: DeviceInput): DeviceAnswer {
  advanceContest(context)
  dropLostSetup(context)
  const stands = standingOf(context, input.fingerprint, input.message)
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
    return { kind: 'unclaimed', blocked, moved: movedStanding(context, stands) }
  }
  if (blocked) {
    return { kind: 'blocked' }
  }
  if (!hasRoomFor(context, input)) {
    return { kind: 'full' }
  }
  const answer = take(context, input, identityOf(context, input, stands))
  noteCall(context)
  noteMessage(context, input)
  noteChannelUse(context, input.message.enrollment.user)
  announceOverdue(context)
  context.state.lastMessageAt = context.now
  return { ...answer, ...dueAfter(context), seen: true, news: announcementOf(context) }
}

/** What the Worker has to read for the device now. */
function dueAfter(context: Context): Pick<Accepted, 'isOfferDue' | 'setupDue'> {
  const setupDue = takeSetupTurn(context)
  const offer = takeOfferTurn(context) && ({ isOfferDue: true } as const)
  return { ...offer, ...(setupDue && { setupDue }) }
}

type Accepted = Extract<DeviceAnswer, { kind: 'accepted' }>

function movedStanding(
  { state: { device } }: Context,
  { kind }: Standing,
): MovedStanding | undefined {
  return kind === 'unchecked' ? kind : device.moved?.unproven ? 'unproven' : undefined
}

function unchanged(context: Context, more: { readonly frozen?: true } = {}): DeviceAnswer {
  return { kind: 'accepted', ...more, news: announcementOf(context) }
}

/** A message that is repeated byte for byte changes nothing, except after the device left or was deleted. */
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

/** A message by the identity of a kept enrolment. Its check-ins have to wait for the end of the contest. */
function comeBack(context: Context, input: DeviceInput, identity: Identity): DeviceAnswer {
  const { message } = input
  if (message.kind === 'checkin') {
    return finishKept(context, message, identity)
      ? unchanged(context)
      : conflict(context, input, identity)
  }
  const who = { identity, random: input.eventId }
  const { reply, answered } = receiveKept(context, message, input.body, who)
  if (answered) {
    recordMessage(context, input, {})
  }
  return { kind: 'accepted', ...(reply ? { reply } : {}), news: announcementOf(context) }
}

/**
 * The sender's identity in this enrolment. There is none if Authenticate is about to bind it, or if a setting
 * tolerates the sender.
 */
function identityOf(
  context: Context,
  input: DeviceInput,
  stands: Extract<Standing, { kind: 'bound' | 'claimable' | 'unchecked' | 'tolerated' }>,
): Identity | undefined {
  const { message, claim } = input
  switch (stands.kind) {
    case 'bound':
      return stands.identity
    case 'unchecked':
      noteChange(context)
      return claim && completeIdentity(context, stands.identity, claim)
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
): Omit<Accepted, 'seen' | 'news' | 'isOfferDue' | 'setupDue'> {
  const { message } = input
  const claim = wantedClaim(context, message)
  if (message.kind === 'report') {
    const reply = connect(context, message, input)
    return { kind: 'accepted', ...(reply ? { reply } : {}), ...claim }
  }
  if (message.messageType === 'DeclarativeManagement' && input.declares) {
    const declared = declare(context, message, input, input.declares)
    advanceSetup(context)
    return { kind: 'accepted', ...declared, ...claim }
  }
  const effect = checkIn(context, message, {
    fingerprint: input.fingerprint,
    identity,
    claim: input.claim,
    profile: input.profile,
    digest: input.digest ?? '',
  })
  recordMessage(context, input, effect)
  if (effect.enrolled) {
    enterSetup(context, input)
  } else if (context.state.device.state === 'checked_out') {
    supersedeSetup(context)
  }
  if (effect.contested !== undefined) {
    recordContest(context, input, effect.contested)
  }
  return {
    kind: 'accepted',
    ...(effect.later ? { later: true } : {}),
    ...(effect.enrolled ? { enrolled: true } : {}),
    ...(isUnproven(context.state.device) ? { unproven: true } : {}),
    ...(effect.reply ? { reply: effect.reply } : {}),
    ...(context.state.device.namesake === 'contested' ? { contested: true } : {}),
    ...claim,
  }
}

/** A report: its effect on the queue, its event, and the next command (docs/protocol.md §4). */
function connect(context: Context, report: Report, input: DeviceInput): Uint8Array | undefined {
  const { contest } = context.state.device
  const isComplete = context.state.device.state === 'enrolled' && isUndecided(context)
  if (isComplete && acknowledges(context, report, contest?.renewal ?? [])) {
    settleContest(context, 'profile')
  }
  beginInterrupted(context)
  const channel = channelOf(context, report.enrollment.user)
  const effect = takeHeld(context, report, () => takeReport(context, channel, report, input.body))
  if (effect.kind !== 'repeat') {
    recordMessage(context, input, {})
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
  const isOfDevice = effect.kind === 'answered' && report.enrollment.user === ''
  advanceSetup(context, isOfDevice ? { report, uuid: effect.uuid, body: input.body } : undefined)
  return handOut(context, channel)
}

/** Accepts an unknown device whose certificate is acceptable and bound to no other device. */
function adopt(context: Context, input: DeviceInput, claim: Claim): Identity {
  const { device } = context.state
  if (device.moved?.unproven) {
    return bindIdentity(context, input.fingerprint, claim, { what: 'bound', proof: '', digest: '' })
  }
  noteArrival(context, claim.namesakes)
  device.epoch = nextEpoch(context)
  device.type = deviceTypeOf(input.message.enrollment)
  device.state = 'enrolled'
  keepProfile(context, input.profile)
  noteChange(context)
  context.effects.notes.push({ event: 'mdm:adopted', device: device.name })
  return bindIdentity(context, input.fingerprint, claim, {
    what: 'bound',
    proof: 'adopted',
    digest: '',
  })
}

function conflict(context: Context, input: DeviceInput, identity: Identity): DeviceAnswer {
  if (!identity.reported) {
    identity.reported = true
    saveDevice(context)
    recordConflict(context, input)
  }
  return { kind: 'conflict', news: announcementOf(context) }
}
