/** The identity of an enrolment that is kept, as it comes while another enrolment is contested. */
import { stateAfter } from '../mdm/queue.ts'
import type { CheckIn, Report } from '../mdm/message.ts'
import { writePlist } from '../plist/write.ts'
import type { Context } from './context.ts'
import { isUndecided, settle } from './contest.ts'
import { type Earlier, keepFirstToken, readEarlier, rememberProbe } from './earlier.ts'
import type { Identity } from './identity-row.ts'
import { applyReport, handOut } from './queue.ts'
import { keepResult } from './results.ts'
import { CHANNEL_SPAN } from './schema.ts'
import { channelOf, knownChannel } from './state.ts'

/** Nothing that could be secret is asked for. */
const QUERIES = ['UDID', 'SerialNumber', 'OSVersion']

export interface Returned {
  readonly reply?: Uint8Array
  /** It answered a command that it was given before, which is news for who listens. */
  readonly answered: boolean
}

/**
 * Takes its report. It is the device if it acknowledges a command that no earlier message can know of: then its enrolment is the
 * present one again. What it says of commands that it was given before is kept in any case. `random`: a UUID for that command.
 */
export function hearKept(
  context: Context,
  report: Report,
  result: Uint8Array,
  who: { readonly identity: Identity; readonly random: string },
): Returned {
  const { epoch } = who.identity
  const kept = readEarlier(context.db, epoch)
  const isProbed = kept !== undefined && kept.probe !== '' && report.commandUUID === kept.probe
  const isOfDevice = report.enrollment.user === ''
  if (isProbed && isOfDevice && report.status === 'Acknowledged') {
    settle(context, 'probe', epoch)
    const channel = channelOf(context, '')
    const idle = { ...report, status: 'Idle', commandUUID: undefined }
    applyReport(context, channel, idle, new Uint8Array())
    const next = handOut(context, channel)
    return { answered: false, ...(next ? { reply: next } : {}) }
  }
  const answered = !isProbed && isAnswer(context, report, result)
  const isPutOff = isProbed && report.status === 'NotNow'
  return kept && isOfDevice && !isPutOff && !mayBeBoth(context)
    ? { answered, reply: probe(context, kept, who.random) }
    : { answered }
}

/** Between its Authenticate and its TokenUpdate, a device that renews may speak with both identities. */
function mayBeBoth(context: Context): boolean {
  return isUndecided(context) && context.state.device.state !== 'enrolled'
}

/** The command that its identity is to acknowledge: the same until it does. */
function probe(context: Context, kept: Earlier, random: string): Uint8Array {
  if (kept.probe === '') {
    rememberProbe(context.db, kept.epoch, random)
  }
  const command = { RequestType: 'DeviceInformation', Queries: QUERIES }
  return writePlist({ Command: command, CommandUUID: kept.probe || random })
}

/**
 * Takes the TokenUpdate of an enrolment that another interrupted, so that it can be pushed, and shows that it is the device.
 * @returns false for every other check-in
 */
export function finishKept(context: Context, message: CheckIn, { epoch }: Identity): boolean {
  if (message.messageType !== 'TokenUpdate' || message.enrollment.user !== '') {
    return false
  }
  const { token, pushMagic: magic, topic } = message
  const isFirst = keepFirstToken(context.db, epoch, { token, magic, topic })
  if (isFirst) {
    context.effects.push.add(-epoch)
  }
  return isFirst
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
