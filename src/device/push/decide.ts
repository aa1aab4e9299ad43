import { Buffer } from 'node:buffer'
import { UNANSWERED_INTERVAL, waitAfter } from '../../push/back-off.ts'
import { tokenHex } from '../../push/request.ts'
import { isPushMagic, isPushToken, isPushTopic } from '../../mdm/push-values.ts'
import type { Verdict } from '../../push/verdict.ts'
import { PUSH_UNREGISTERED } from '../../events/topics.ts'
import { enrollmentOfChannel, type Channel } from '../store/channel-row.ts'
import { saveChannel } from '../store/rows/save.ts'
import { tellLive, wakeBy, type Context } from '../store/context.ts'
import { readEarlier } from '../store/earlier.ts'
import { recordOwnEvent } from '../outbox/record.ts'
import { listAnew } from '../standing/directory-row.ts'
import { recalledChannel, knownChannel } from '../store/channels.ts'
import { pendingSince, PUSH_FALLBACK } from '../queue/window.ts'

/** All that a push needs. It leaves the object for APNs alone. */
export interface PushTarget {
  readonly user: string
  readonly token: Uint8Array
  readonly magic: string
  readonly topic: string
  /** The reason against the token, and the epoch of the circuit in which it counts. */
  readonly flag: string
  readonly flagEpoch: number
}

export type PushCheck =
  | { readonly kind: 'ready'; readonly target: PushTarget }
  | { readonly kind: 'cannot'; readonly error: string }

/** Whether a channel can be pushed. Error texts are MicroMDM's where it had one. */
export function pushTarget(context: Context, user: string, certificateTopic: string): PushCheck {
  const channel = recalledChannel(context, user)
  if (!channel?.token) {
    const id = user === '' ? context.name : `${context.name}:${user}`
    return cannot(`retrieving PushInfo by UDID: not found: PushInfo udid ${id}`)
  }
  const { token, magic, topic, flag, flagEpoch } = channel
  return checked({ user, token, magic, topic, flag, flagEpoch }, certificateTopic)
}

/** The device of an enrolment that is kept, if it can be pushed. */
export function keptTarget(
  context: Context,
  epoch: number,
  certificateTopic: string,
): PushTarget | undefined {
  const channel = readEarlier(context, epoch)?.channels[0]
  if (!channel || channel.token === '') {
    return undefined
  }
  const token = new Uint8Array(Buffer.from(channel.token, 'base64'))
  const target = { ...channel, token, flag: '', flagEpoch: 0 }
  return checked(target, certificateTopic).kind === 'ready' ? target : undefined
}

function checked(target: PushTarget, certificateTopic: string): PushCheck {
  const { token, magic, topic } = target
  if (!isPushToken(token)) {
    return cannot('invalid push token')
  }
  if (certificateTopic !== '' && topic !== certificateTopic) {
    return cannot(
      `the device is enrolled with topic ${topic}, but the push certificate is for ${certificateTopic}: ` +
        'enrol it again, or install the certificate of its topic',
    )
  }
  if (!isPushMagic(magic)) {
    return cannot('invalid push magic')
  }
  // The certificate's topic is unknown. A text that the device has sent must not break the request.
  if (!isPushTopic(topic)) {
    return cannot('invalid push topic')
  }
  return { kind: 'ready', target }
}

/** Why a token is dead. A flag of an earlier epoch of the circuit is void: the fault was not the device's. */
export function deadToken(target: PushTarget, epoch: number): string | undefined {
  return target.flag !== '' && target.flagEpoch === epoch
    ? `${target.flag}: the device's push token is dead until it sends a TokenUpdate`
    : undefined
}

/** An answer of APNs, and what the channel's rows need beside it. */
export interface Pushed {
  /** The push's own id. */
  readonly id: string
  readonly verdict: Verdict
  /** Milliseconds, before it was sent. */
  readonly sentAt: number
  /** The circuit's epoch, and whether a refusal may be held against the device. */
  readonly epoch: number
  readonly blames: boolean
  /** The alarm or a job caused this push. The more such pushes, the longer the wait for the next. */
  readonly again: boolean
  /** From 0 to 1, for the wait after a failure. */
  readonly random: number
}

/** Takes APNs's answer. A first push that is delivered costs no row. */
export function takeVerdict(context: Context, target: PushTarget, push: Pushed): void {
  const channel = knownChannel(context.state, target.user)
  if (!channel) {
    return
  }
  const before = channel.flag
  notePush(context, channel, push.verdict)
  if (channel.token && tokenHex(channel.token) === tokenHex(target.token)) {
    storeVerdict(context, channel, push)
  }
  if (target.user === '' && channel.flag !== before) {
    // The directory lists whether the device can be pushed.
    listAnew(context)
  }
}

/**
 * Notes APNs's answer for views. The note costs no row: it is written when the channel is stored for another
 * reason, or a command is handed out.
 */
export function notePush(context: Context, channel: Channel, verdict: Verdict): void {
  const { now: at } = context
  const detail = verdict.kind === 'delivered' ? verdict.id : verdict.reason
  channel.push = { at, outcome: verdict.kind, detail }
  tellLive(context, { kind: verdict.kind === 'delivered' ? 'push.delivered' : 'push.failed' })
}

function storeVerdict(context: Context, channel: Channel, push: Pushed): void {
  // A device may have connected, and ended its session, before APNs has answered.
  if (
    push.verdict.kind === 'delivered' &&
    (context.state.connectedAt.get(channel.id) ?? 0) < push.sentAt
  ) {
    context.state.unansweredPushes.set(channel.id, context.now)
  }
  const changes: Partial<Channel> = {
    ...(push.again ? { pushedAt: context.now } : {}),
    ...flagOf(context, channel, push),
    ...waitOf(context, channel, push),
  }
  if (Object.keys(changes).length > 0) {
    saveChannel(context, Object.assign(channel, changes))
  }
}

function flagOf(context: Context, channel: Channel, push: Pushed): Partial<Channel> {
  const { verdict, epoch } = push
  if (verdict.kind === 'token_refused') {
    return push.blames ? { flag: verdict.reason, flagEpoch: epoch } : {}
  }
  // A token that the device sent after Apple had dropped the old one is alive.
  if (verdict.kind !== 'token_dead' || (verdict.since ?? Infinity) < channel.tokenAt) {
    return {}
  }
  recordOwnEvent(context, {
    id: push.id,
    topic: PUSH_UNREGISTERED,
    about: { enrollment: enrollmentOfChannel(context.state.device, channel), params: {} },
  })
  return { flag: verdict.reason, flagEpoch: epoch }
}

function waitOf(context: Context, channel: Channel, { verdict, random }: Pushed): Partial<Channel> {
  const oldest = pendingSince(context, channel)
  const wait = waitAfter(verdict, context.now - (oldest?.queuedAt ?? context.now), random)
  if (wait === undefined) {
    return {}
  }
  const pushAfter = Math.ceil(context.now + wait)
  if (oldest) {
    wakeBy(context, pushAfter)
  }
  return { pushAfter }
}

/**
 * Whether a new command needs no push. APNs may have requested a wait, after which the alarm pushes. Or the
 * device was just pushed and has not connected yet.
 */
export function mayStayQuiet(context: Context, channel: Channel): boolean {
  const pushedAt = context.state.unansweredPushes.get(channel.id) ?? -Infinity
  return context.now < Math.max(channel.pushAfter, pushedAt + UNANSWERED_INTERVAL)
}

/** Channels that have commands waiting and could be pushed now. */
export function waitingChannels(context: Context): number[] {
  return context.state.channels
    .filter(
      (channel) =>
        channel.token !== null &&
        pendingSince(context, channel) !== undefined &&
        !mayStayQuiet(context, channel),
    )
    .map(({ id }) => id)
}

/** A channel that reports has connected: it fetches everything that it was pushed for. */
export function noteConnect({ state, now, effects }: Context, user: string): void {
  const channel = knownChannel(state, user)
  if (channel) {
    state.unansweredPushes.delete(channel.id)
    state.connectedAt.set(channel.id, now)
    effects.connected.add(channel.id)
  }
}

const QUARTER = 900_000
const DAY = 86_400_000
/**
 * The wait before a silent device is pushed again, as a multiple of the age of its command at the last push.
 */
const PATIENCE = 4

/**
 * When a channel has to be pushed again. A failed push is repeated after its wait. Otherwise the first push
 * is due a minute after the oldest command was queued, in case the timer was lost with its process. The waits
 * grow, because APNs keeps the last push for a device that is off.
 */
export function pushDueAt(context: Context, channel: Channel): number | undefined {
  const oldest = channel.token === null ? undefined : pendingSince(context, channel)
  if (!oldest) {
    return undefined
  }
  const last = Math.max(channel.pushedAt, oldest.notNowAt)
  if (channel.pushAfter > last) {
    return channel.pushAfter
  }
  return last < oldest.queuedAt
    ? oldest.queuedAt + PUSH_FALLBACK
    : last + Math.min(Math.max(PATIENCE * (last - oldest.queuedAt), QUARTER), DAY)
}

function cannot(error: string): PushCheck {
  return { kind: 'cannot', error }
}
