/** Messages of the identity of a kept enrolment, while another enrolment is contested. */
import { Buffer } from 'node:buffer'
import { beginsRound, stateAfter } from '../../mdm/queue.ts'
import type { CheckIn, Report } from '../../mdm/message.ts'
import { writePlist } from '../../plist/write.ts'
import type { Context } from '../store/context.ts'
import { extend, isChanging, renewalIsOpen } from '../standing/contest.ts'
import { settleContest } from '../standing/contest-end.ts'
import { acknowledges } from '../queue/mdm-profile.ts'
import { type Earlier, finishEarlier, readEarlier, saveProbe } from '../store/earlier.ts'
import { storeArchived } from '../store/escrow/tokens.ts'
import type { Identity } from '../store/rows/identity.ts'
import { beginInterrupted } from '../setup/begin.ts'
import { handOut } from '../queue/hand-out.ts'
import { dropLostSetup } from '../setup/enter.ts'
import { applyReport } from '../queue/report.ts'
import { takeReport } from './device-information.ts'
import { rowOfKept } from '../store/commands/contest.ts'
import { keepResult } from '../queue/history.ts'
import { channelOf, knownChannel } from '../store/channels.ts'

/** None of these answers is secret. */
const QUERIES = ['UDID', 'SerialNumber', 'OSVersion']

export interface KeptAnswer {
  readonly reply?: Uint8Array
  /** It answered a command from before the contest. An event reports this answer. */
  readonly answered: boolean
}

/**
 * Takes the report of a kept enrolment. An acknowledged new command shows that the enrolment is alive: a
 * captured message cannot contain its UUID. If it is the first enrolment, its answers to commands from before
 * the contest are stored too. `random`: a UUID for the new command.
 */
export function receiveKept(
  context: Context,
  report: Report,
  result: Uint8Array,
  who: { readonly identity: Identity; readonly random: string },
): KeptAnswer {
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
    // It was a renewal, which another enrolment interrupted.
    settleContest(context, 'probe', kept.epoch)
    settleContest(context, 'profile')
    return { answered: isPending(context, report, result) }
  }
  return { answered: kept.proven && isAnswer(context, report, result) }
}

/** The kept enrolment is served again. The next command is the first answer to it. */
function serve(context: Context, { epoch }: Earlier, report: Report): KeptAnswer {
  settleContest(context, 'probe', epoch)
  dropLostSetup(context)
  beginInterrupted(context)
  const channel = channelOf(context, '')
  applyReport(context, channel, { ...report, status: 'Idle', commandUUID: undefined }, NOTHING)
  const reply = handOut(context, channel)
  return { answered: false, ...(reply ? { reply } : {}) }
}

/** A locked device answers NotNow. This shows that it is alive, so the time of the contest begins again. */
function postpone(context: Context, { proven }: Earlier): KeptAnswer {
  if (proven) {
    extend(context, context.now)
  }
  return { answered: false }
}

const NOTHING = new Uint8Array()

/** The command that the identity has to acknowledge. It stays the same until then. */
function probe(context: Context, kept: Earlier, random: string): Uint8Array {
  if (kept.probe === '') {
    saveProbe(context, kept.epoch, random)
  }
  const command = { RequestType: 'DeviceInformation', Queries: QUERIES }
  return writePlist({ Command: command, CommandUUID: kept.probe || random })
}

/**
 * Takes the first TokenUpdate of an enrolment that another one interrupted, so that it can be pushed and show
 * that it is alive. Only the first one counts: a replayed one could replace the token.
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

/** Takes the answer to a command that the renewed enrolment was given. */
function isPending(context: Context, report: Report, result: Uint8Array): boolean {
  return takeReport(context, channelOf(context, ''), report, result).kind === 'answered'
}

/** Keeps the answer to a command that was handed out before the contest. */
function isAnswer(context: Context, report: Report, result: Uint8Array): boolean {
  const state = stateAfter(report)
  const channel = knownChannel(context.state, report.enrollment.user)
  if (!channel || state === undefined || state === 'not_now' || !report.commandUUID) {
    return false
  }
  const row = rowOfKept(context.db, channel, report.commandUUID)
  if (!row) {
    return false
  }
  keepResult(context, channel, row, { state, result })
  context.state.queues.delete(channel.id)
  return true
}
