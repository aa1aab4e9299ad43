import type { Report } from '../../mdm/message.ts'
import { beginsRound, entryAnswered, stateAfter } from '../../mdm/queue.ts'
import type { Channel } from '../store/channel-row.ts'
import { endedRows } from '../store/commands/ended.ts'
import { numberOf } from '../store/commands/ids.ts'
import { logAnswer } from '../store/commands/log.ts'
import { tellCommand } from '../store/commands/news.ts'
import { readNotNows, saveNotNow } from '../store/commands/pending.ts'
import { wakeBy, type Context } from '../store/context.ts'
import type { PendingCommand } from '../store/state.ts'
import { keepResult, pruneAfterAnswer } from './history.ts'
import { noteAcknowledged } from './mdm-profile.ts'
import { PUSH_FALLBACK, queueOf } from './window.ts'

/**
 * The effect of a report. `answered`: `uuid` is that of the command, also where the report lacks it, and
 * `acknowledged` the type of a pending command that the device carried out. `repeat`: the report is known,
 * and is no event. `deferred`: the device answered NotNow so often, or for so long, that an admin should
 * know.
 */
export type ReportEffect =
  | { readonly kind: 'answered'; readonly uuid: string; readonly acknowledged?: string }
  | { readonly kind: 'repeat' | 'unknown' | 'none' }
  | { readonly kind: 'deferred'; readonly n: number; readonly notNows: number }

const NOTHING = new Uint8Array()

/** Applies a report to its channel's queue (docs/architecture.md §5). */
export function applyReport(
  context: Context,
  channel: Channel,
  report: Report,
  result: Uint8Array,
): ReportEffect {
  const queue = queueOf(context, channel)
  if (beginsRound(report)) {
    queue.roundBegan = context.now
    return { kind: 'none' }
  }
  const state = stateAfter(report)
  const entry = entryAnswered(queue.pending, report)
  if (!entry || state === undefined) {
    return applyLate(context, channel, report, result)
  }
  if (state === 'not_now') {
    return applyNotNow(context, channel, entry)
  }
  if (state === 'acknowledged') {
    noteAcknowledged(context, entry)
  }
  queue.pending.splice(queue.pending.indexOf(entry), 1)
  queue.depth -= 1
  keepResult(context, channel, entry, { state, result })
  pruneAfterAnswer(context, channel, queue, entry.id)
  const { uuid, requestType } = entry
  return { kind: 'answered', uuid, ...(state === 'acknowledged' && { acknowledged: requestType }) }
}

/** NotNow: the command stays, and the alarm pushes again for it, less and less often. */
function applyNotNow(context: Context, channel: Channel, entry: PendingCommand): ReportEffect {
  const { db, now, settings } = context
  Object.assign(entry, { state: 'not_now', notNowAt: now, rounds: 0 })
  wakeBy(context, now + PUSH_FALLBACK)
  const { count, ms } = settings.deferredAfter
  const before = readNotNows(db, entry.id)
  tellCommand(context, channel, entry.id, 'not_now', entry)
  const notNows = before.notNows + 1
  const since = before.since || now
  const deferred = notNows >= count || now - since >= ms
  saveNotNow(db, entry.id, now, { notNows, since, deferred })
  if (notNows === 1) {
    // Only the first one is logged: a device may answer NotNow every few minutes for weeks.
    logAnswer(context, entry, { state: 'not_now', result: NOTHING })
  }
  return deferred && !before.deferred
    ? { kind: 'deferred', n: numberOf(entry.id), notNows }
    : { kind: 'answered', uuid: entry.uuid }
}

/**
 * A report that answers no pending command: a repeat, a command that was cancelled or expired, or none of
 * ours.
 */
function applyLate(
  context: Context,
  channel: Channel,
  report: Report,
  result: Uint8Array,
): ReportEffect {
  const { db, state, hash } = context
  const { status, commandUUID: uuid } = report
  if (status === 'NotNow' || uuid === undefined) {
    return { kind: 'unknown' }
  }
  const ended = endedRows(db, channel, { uuid, epoch: state.device.epoch })
  const [newest] = ended
  if (newest && newest.resultHash === hash(result)) {
    return { kind: 'repeat' }
  }
  const unanswered = ended.find(
    (row) => (row.state === 'cancelled' || row.state === 'expired') && row.resultHash === '',
  )
  if (unanswered) {
    const command = { ...unanswered, secret: unanswered.secret === 1, big: false }
    keepResult(context, channel, command, { state: unanswered.state, result })
    return { kind: 'answered', uuid }
  }
  return { kind: 'unknown' }
}
