import { isPushToken, tokenHex } from '../push/request.ts'
import type { Verdict } from '../push/verdict.ts'
import { elsewhere, type Elsewhere } from './admin.ts'
import type { Context } from './context.ts'
import { pendingSince, PUSH_FALLBACK } from './queue.ts'
import { channelOf, saveChannel, type Channel } from './state.ts'

/** Everything a push needs; it never leaves the object but for APNs. */
export interface PushTarget {
  readonly user: string
  readonly token: Uint8Array
  readonly magic: string
  readonly topic: string
  /** What is held against the token, and in which epoch of the circuit that counts. */
  readonly flag: string
  readonly flagEpoch: number
}

export type PushCheck =
  | { readonly kind: 'ready'; readonly target: PushTarget }
  | { readonly kind: 'cannot'; readonly error: string }
  | Elsewhere

/** Whether a channel can be pushed. Error texts are MicroMDM's where it had one (micromdm-contract §1.5). */
export function pushTarget(context: Context, user: string, certificateTopic: string): PushCheck {
  const moved = user === '' ? elsewhere(context) : undefined
  if (moved) {
    return moved
  }
  const channel = context.state.channels.find((candidate) => candidate.user === user)
  if (!channel?.token) {
    const id = user === '' ? context.name : `${context.name}:${user}`
    return cannot(`retrieving PushInfo by UDID: not found: PushInfo udid ${id}`)
  }
  const { token, magic, topic, flag, flagEpoch } = channel
  if (!isPushToken(token)) {
    return cannot('invalid push token')
  }
  if (certificateTopic !== '' && topic !== certificateTopic) {
    return cannot(
      `the device is enrolled with topic ${topic}, but the push certificate is for ${certificateTopic}: enrol it again, or install the certificate of its topic`,
    )
  }
  return { kind: 'ready', target: { user, token, magic, topic, flag, flagEpoch } }
}

/** Why a token is dead; a flag of an earlier epoch of the circuit is void, because the fault was not the device's. */
export function deadToken(target: PushTarget, epoch: number): string | undefined {
  return target.flag !== '' && target.flagEpoch === epoch
    ? `${target.flag}: the device's push token is dead until it sends a TokenUpdate`
    : undefined
}

/** What APNs's answer changes: only a verdict against this token does; success costs no row. */
export function takeVerdict(
  context: Context,
  target: PushTarget,
  verdict: Verdict,
  epoch: number,
): void {
  const channel = context.state.channels.find((candidate) => candidate.user === target.user)
  if (!channel?.token || tokenHex(channel.token) !== tokenHex(target.token)) {
    return
  }
  const dead = verdict.kind === 'token_dead' && (verdict.since ?? Infinity) >= channel.tokenAt
  if (dead || verdict.kind === 'token_refused') {
    channel.flag = verdict.reason
    channel.flagEpoch = epoch
    saveChannel(context.db, channel)
  }
}

const QUARTER = 900_000
const DAY = 86_400_000
/** A silent device is pushed again after four times as long as its command has waited already. */
const PATIENCE = 4

/**
 * When a channel has to be pushed again: a minute after its oldest command was queued, should the timer have
 * died with its process; then ever more rarely, because APNs keeps the last push for a device that is off.
 */
export function pushDueAt(context: Context, channel: Channel): number | undefined {
  const oldest = channel.token === null ? undefined : pendingSince(context, channel)
  if (!oldest) {
    return undefined
  }
  const last = Math.max(channel.pushedAt, oldest.notNowAt)
  return last < oldest.queuedAt
    ? oldest.queuedAt + PUSH_FALLBACK
    : last + Math.min(Math.max(PATIENCE * (last - oldest.queuedAt), QUARTER), DAY)
}

/** Remembers a push of the alarm's, so that the next is rarer. */
export function pushed(context: Context, user: string): void {
  const channel = channelOf(context.state, user)
  channel.pushedAt = context.now
  saveChannel(context.db, channel)
}

function cannot(error: string): PushCheck {
  return { kind: 'cannot', error }
}
