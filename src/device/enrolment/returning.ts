/** The identity of an enrolment that is kept, as it comes while another enrolment is contested. */
import { Buffer } from 'node:buffer'
import { beginsRound, stateAfter } from '../../mdm/queue.ts'
import type { CheckIn, Report } from '../../mdm/message.ts'
import { writePlist } from '../../plist/write.ts'
import type { Context } from '../store/context.ts'
import { extend, isChanging, renewalIsOpen } from '../standing/contest.ts'
import { settle } from '../standing/contest-end.ts'
import { acknowledges } from '../queue/mdm-profile.ts'
import { type Earlier, finishEarlier, readEarlier, rememberProbe } from '../store/earlier.ts'
import { storeArchived } from '../store/escrow/tokens.ts'
import type { Identity } from '../store/identity-row.ts'
import { applyReport, handOut } from '../queue/hand-out.ts'
import { keepResult } from '../queue/history.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import { channelOf, knownChannel } from '../store/state.ts'

/** Nothing that could be secret is asked for. */
const QUERIES = ['UDID', 'SerialNumber', 'OSVersion']

export interface Returned {
  readonly reply?: Uint8Array
  /** It answered a command that it was given before, which is news for who listens. */
  readonly answered: boolean
}

/**
 * Takes its report. It is alive if it acknowledges a command that no earlier message can know of. What the one that was there first
 * says of commands that it was given before is kept in any case. `random`: a UUID for that command.
 */
export function hearKept(
  context: Context,
  report: Report,
  result: Uint8Array,
  who: { readonly identity: Identity; readonly random: string },
): Returned {
  const kept = readEarlier(context, who.identity.epoch)
  if (!kept) {
    return { answered: false }
  }
  const isOfDevice = report.enrollment.user === ''
  if (isOfDevice && beginsRound(report)) {
    return isChanging(context)
      ? { answered: false }
      : { answered: false, reply: probe(context, kept, who.random) }
  }
  if (isOfDevice && kept.probe !== '' && report.commandUUID === kept.probe) {
    return report.status === 'Acknowledged' ? serve(context, kept, report) : postpone(context, kept)
  }
  if (renewalIsOpen(context, kept) && acknowledges(context, report, kept.renewal)) {
    // Another interrupted the renewal, and did not make it one.
    settle(context, 'probe', kept.epoch)
    settle(context, 'profile')
    return { answered: isPending(context, report, result) }
  }
  return { answered: kept.proven && isAnswer(context, report, result) }
}

/** It is served again, beginning with this answer. */
function serve(context: Context, { epoch }: Earlier, report: Report): Returned {
  settle(context, 'probe', epoch)
  const channel = channelOf(context, '')
  applyReport(context, channel, { ...report, status: 'Idle', commandUUID: undefined }, NOTHING)
  const reply = handOut(context, channel)
  return { answered: false, ...(reply ? { reply } : {}) }
}

/** One that waits for its user to unlock it says NotNow. It is there, and not overrun by time. */
function postpone(context: Context, { proven }: Earlier): Returned {
  if (proven) {
    extend(context, context.now)
  }
  return { answered: false }
}

const NOTHING = new Uint8Array()

/** The command that its identity is to acknowledge: the same until it does. */
function probe(context: Context, kept: Earlier, random: string): Uint8Array {
  if (kept.probe === '') {
    rememberProbe(context.db, kept.epoch, random)
  }
  const command = { RequestType: 'DeviceInformation', Queries: QUERIES }
  return writePlist({ Command: command, CommandUUID: kept.probe || random })
}

/**
 * Takes the first TokenUpdate of an enrolment that another interrupted, so that it can be pushed, and shows that it is alive. Only
 * the first: one from before could take its token away.
 * @returns false for every other check-in
 */
export function finishKept(context: Context, message: CheckIn, { epoch }: Identity): boolean {
  const kept = readEarlier(context, epoch)
  const isFirst = kept?.channels[0]?.token === ''
  if (message.messageType !== 'TokenUpdate' || message.enrollment.user !== '' || !isFirst) {
    return false
  }
  finishEarlier(context, kept, {
    token: Buffer.from(message.token).toString('base64'),
    tokenAt: context.now,
    magic: message.pushMagic,
    topic: message.topic,
    tally: 1,
    awaitingConfiguration: message.awaitingConfiguration ?? false,
  })
  if (message.unlockToken && message.unlockToken.length > 0) {
    storeArchived(context, 'unlock_token', message.unlockToken, kept.parkedAt)
  }
  context.effects.push.add(-epoch)
  extend(context, context.now)
  return true
}

/** The answer to what was handed out to the enrolment that it renews. */
function isPending(context: Context, report: Report, result: Uint8Array): boolean {
  return applyReport(context, channelOf(context, ''), report, result).kind === 'answered'
}

/** Keeps the answer to a command that was handed out before the contest. */
function isAnswer(context: Context, report: Report, result: Uint8Array): boolean {
  const state = stateAfter(report)
  const channel = knownChannel(context.state, report.enrollment.user)
  if (!channel || state === undefined || state === 'not_now' || !report.commandUUID) {
    return false
  }
  const base = channel.id * CHANNEL_SPAN
  const [row] = context.db.all<{ id: number; requestType: string; secret: number; big: number }>(
    `SELECT id, request_type AS requestType, secret, payload IS NULL AS big FROM commands
      WHERE id BETWEEN ? AND ? AND uuid = ? AND state = 'held' AND held_for = 'earlier' AND handed_out_at > 0`,
    base,
    base + CHANNEL_SPAN - 1,
    report.commandUUID,
  )
  if (!row) {
    return false
  }
  const { id, requestType } = row
  const answered = { id, requestType, secret: row.secret === 1, big: row.big === 1 }
  keepResult(context, answered, { state, result, push: channel.push })
  context.state.queues.delete(channel.id)
  return true
}
