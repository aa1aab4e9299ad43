import { aboutMessage } from '../events/event.ts'
import { IDENTITY_CONFLICT, topicOf } from '../events/topics.ts'
import type { Message, Report } from '../mdm/message.ts'
import { checkIn, type CheckInEffect } from './check-in.ts'
import type { Context, News } from './context.ts'
import { changed } from './enrolling.ts'
import { bind, standing, type Claim } from './identity.ts'
import { recordEvent, type Listeners } from './outbox.ts'
import { applyReport, handOut } from './queue.ts'
import { channelOf, knownChannel, saveChannel, saveIdentity, type Identity } from './state.ts'

/** A device's message, its signature verified over the exact bytes of `body`. */
export interface DeviceInput {
  readonly message: Message
  /** The exact bytes; empty when nobody listens and nothing of it would be kept. */
  readonly body: Uint8Array
  readonly eventId: string
  /** Query parameters of the URL that the device called. */
  readonly params: Readonly<Record<string, string>>
  readonly fingerprint: string
  readonly claim?: Claim
  /** Subscribers that want this message's topic, and those that want to hear of identity conflicts. */
  readonly listeners: Listeners
  readonly conflictListeners: Listeners
}

export type DeviceAnswer =
  | {
      readonly kind: 'accepted'
      readonly reply?: Uint8Array
      /** The bare UserID is not this device's alias yet: to be made before the device gets its answer. */
      readonly alias?: string
      readonly news: News
    }
  /** The certificate is new here: check its chain, claim it unless the device is blocked, and come again. */
  | { readonly kind: 'unclaimed'; readonly blocked: boolean }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Signed by an identity of an earlier enrolment: 503 until an admin reinstates it. */
  | { readonly kind: 'conflict'; readonly news: News }
  | { readonly kind: 'blocked' }

/** Takes in one message: identity, state change, event and answer are one commit (design.md 3). */
export function receive(context: Context, input: DeviceInput): DeviceAnswer {
  const { device } = context.state
  const where = standing(context, input.fingerprint, input.message)
  if (where.kind === 'refused') {
    return where
  }
  if (where.kind === 'earlier') {
    return conflict(context, input, where.identity)
  }
  const blocked = device.blocked && input.message.kind === 'report'
  if (where.kind !== 'bound' && input.claim === undefined) {
    return { kind: 'unclaimed', blocked }
  }
  if (blocked) {
    return { kind: 'blocked' }
  }
  const identity = where.kind === 'bound' ? where.identity : undefined
  if (where.kind === 'tolerated') {
    context.effects.notes.push({ event: 'mdm:binding-tolerated', device: device.name })
  }
  const authenticates =
    input.message.kind === 'checkin' && input.message.messageType === 'Authenticate'
  const adopted =
    where.kind === 'claimable' && input.claim && !authenticates
      ? adopt(context, input, input.claim)
      : identity
  const answer = take(context, input, adopted)
  seen(context)
  return { ...answer, news: context.effects.news }
}

function take(
  context: Context,
  input: DeviceInput,
  identity: Identity | undefined,
): Omit<Extract<DeviceAnswer, { kind: 'accepted' }>, 'news'> {
  const { message } = input
  const alias = wantedAlias(context, message)
  if (message.kind === 'report') {
    const reply = connect(context, message, input)
    return { kind: 'accepted', ...(reply ? { reply } : {}), ...alias }
  }
  const effect = checkIn(context, message, {
    fingerprint: input.fingerprint,
    identity,
    claim: input.claim,
  })
  record(context, input, effect)
  return { kind: 'accepted', ...(effect.reply ? { reply: effect.reply } : {}), ...alias }
}

/**
 * A user who has an id of their own is also named by it alone. Made at the first message, whatever it is: the
 * users of a fleet that moved here send no TokenUpdate.
 */
function wantedAlias(context: Context, { enrollment }: Message): { readonly alias?: string } {
  if (enrollment.type !== 'User' && enrollment.type !== 'User Enrollment') {
    return {}
  }
  const channel = channelOf(context, enrollment.user)
  if (channel.alias === 'none') {
    channel.alias = 'wanted'
    saveChannel(context.db, channel)
  }
  return channel.alias === 'wanted' ? { alias: enrollment.user } : {}
}

/** A report: its effect on the queue, its event, and the next command (spec/apple-protocol.md §2). */
function connect(context: Context, report: Report, input: DeviceInput): Uint8Array | undefined {
  const channel = channelOf(context, report.enrollment.user)
  const effect = applyReport(context, channel, report, input.body)
  if (effect !== 'repeat') {
    record(context, input, {})
  }
  if (effect === 'unknown') {
    context.effects.notes.push({
      event: 'mdm:unknown-command',
      device: context.name,
      status: report.status,
    })
  }
  return handOut(context, channel)
}

function record(context: Context, input: DeviceInput, effect: CheckInEffect): void {
  recordEvent(
    context,
    {
      id: input.eventId,
      topic: topicOf(input.message),
      about: {
        ...aboutMessage(input.message, input.params),
        ...(effect.tally === undefined ? {} : { tokenUpdateTally: effect.tally }),
        ...(effect.renewal ? { renewal: true } : {}),
      },
      body: input.body,
    },
    input.listeners,
  )
}

/** A device that nobody knows, with an acceptable certificate that is bound nowhere else, is taken in. */
function adopt(context: Context, input: DeviceInput, claim: Claim): Identity {
  const { device } = context.state
  device.type =
    input.message.enrollment.type === 'User' || input.message.enrollment.type === 'Shared iPad'
      ? 'Device'
      : input.message.enrollment.type === 'User Enrollment'
        ? 'User Enrollment (Device)'
        : input.message.enrollment.type
  device.state = 'enrolled'
  changed(context)
  context.effects.notes.push({ event: 'mdm:adopted', device: device.name })
  return bind(context, input.fingerprint, claim)
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
  return { kind: 'conflict', news: context.effects.news }
}

/**
 * Being seen costs nothing by itself: the row is written when it lags by the resolution, or when another
 * device took this one's serial number in the directory meanwhile.
 */
function seen(context: Context): void {
  const { device } = context.state
  if (device.state === 'unknown') {
    return
  }
  if (device.displaced) {
    device.displaced = false
    device.claimedAt = context.now
    changed(context)
  } else if (context.now - device.lastSeen >= context.settings.lastSeenResolution) {
    changed(context)
  }
}

/** Which declarations a channel was last told of: the only ones whose 404 would be an error of ours. */
export function listedDeclarations(context: Context, user: string): readonly string[] {
  return knownChannel(context.state, user)?.declarations ?? []
}

export function keepDeclarations(
  context: Context,
  user: string,
  identifiers: readonly string[],
): void {
  const channel = channelOf(context, user)
  if (channel.declarations.join('\n') !== identifiers.join('\n')) {
    channel.declarations = [...identifiers]
    saveChannel(context.db, channel)
  }
}
