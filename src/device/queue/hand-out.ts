import type { Report } from '../../mdm/message.ts'
import {
  beginsRound,
  entryAnswered,
  hasStalled,
  nextEntry,
  stateAfter,
  type CommandState,
} from '../../mdm/queue.ts'
import { loadBody, storeBody } from '../../storage/bodies.ts'
import { filled } from './clear-passcode.ts'
import { learnFacts } from '../enrolment/device-information.ts'
import { wakeBy, type Context } from '../store/context.ts'
export { PUSH_FALLBACK } from './window.ts'
import { PENDING_STATES, PUSH_FALLBACK, queueOf, readWindow, WINDOW } from './window.ts'
import { writeQueuedBy, type QueuedBy } from '../store/commands/queued-by.ts'
import { commandAnswered, commandWaits } from '../store/commands/log.ts'
import { heldFor, type HeldFor } from './held.ts'
import { noteAcknowledged } from './mdm-profile.ts'
import { keepResult, pruneAfterAnswer, pruneInTime } from './history.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import { saveDevice, type Channel, type PendingCommand } from '../store/state.ts'

export interface NewCommand {
  readonly uuid: string
  readonly requestType: string
  readonly payload: Uint8Array
  readonly secret: boolean
  /** Where it was handed over from, so that a repeated hand-over adds nothing; empty otherwise. */
  readonly source: string
  readonly terms?: Terms
  readonly by?: QueuedBy | undefined
  readonly needs?: Needs | undefined
}

/** What the device's OS has to have: names of `needsOf`, and what becomes of the command when it does not. */
export interface Needs {
  readonly names: readonly string[]
  readonly otherwise: 'refuse' | 'announce'
}

/** When a command may go out, and which request queued it. Times are milliseconds; 0 stands for none. */
export interface Terms {
  readonly notBefore: number
  readonly expiresAt: number
  /** The client's Idempotency-Key, and a hash of its request; empty without one. */
  readonly requestKey: string
  readonly requestHash: string
}

const NO_TERMS: Terms = { notBefore: 0, expiresAt: 0, requestKey: '', requestHash: '' }

/** Adds an entry at the end of a channel's queue; its number within the channel is the answer. */
export function enqueue(context: Context, channel: Channel, command: NewCommand): number {
  const { db, state, now } = context
  if (state.device.schema === 0) {
    saveDevice(db, state.device)
  }
  const queue = queueOf(context, channel)
  const id = queue.lastId + 1
  const terms = command.terms ?? NO_TERMS
  const held = heldFor(context, command)
  const big = store(context, id, command, { ...terms, held })
  queue.lastId = id
  queue.depth += 1
  pruneInTime(context, channel, queue, id)
  if (terms.expiresAt > 0) {
    queue.expiresAt = Math.min(queue.expiresAt, terms.expiresAt)
    wakeBy(context, terms.expiresAt)
  }
  if (held || channel.token === null) {
    commandWaits(context, id, command.requestType, held)
  }
  if (held) {
    return id - channel.id * CHANNEL_SPAN
  }
  if (terms.notBefore > now) {
    queue.heldUntil = Math.min(queue.heldUntil, terms.notBefore)
    wakeBy(context, terms.notBefore)
    return id - channel.id * CHANNEL_SPAN
  }
  if (queue.pending.length < WINDOW && !queue.more) {
    queue.pending.push({
      id,
      uuid: command.uuid,
      requestType: command.requestType,
      secret: command.secret,
      big,
      state: 'queued',
      rounds: 0,
      queuedAt: now,
      released: false,
      handedOutAt: 0,
      notNowAt: 0,
    })
  } else {
    queue.more = true
  }
  if (channel.token !== null) {
    context.effects.push.add(channel.id)
    wakeBy(context, now + PUSH_FALLBACK)
  }
  return id - channel.id * CHANNEL_SPAN
}

/** Writes a new command's row. @returns whether its payload rests in `parts` */
function store(
  context: Context,
  id: number,
  command: NewCommand,
  terms: Terms & { readonly held: HeldFor | undefined },
): boolean {
  const payload = storeBody(context, 'payload', id, command.payload, command.secret)
  context.db.run(
    `INSERT INTO commands (id, uuid, request_type, state, rounds, queued_at, not_before, expires_at, handed_out_at,
      not_now_at, answered_at, result_hash, secret, source, request_key, request_hash, queued_by, held_for, payload)
      VALUES (?, ?, ?, ?, 0, ?, ?, ?, 0, 0, 0, '', ?, ?, ?, ?, ?, ?, ?)`,
    id,
    command.uuid,
    command.requestType,
    terms.held ? 'held' : 'queued',
    context.now,
    terms.notBefore,
    terms.expiresAt,
    Number(command.secret),
    command.source,
    terms.requestKey,
    terms.requestHash,
    writeQueuedBy(command.by),
    terms.held ?? '',
    payload,
  )
  return payload === null
}

/**
 * What a report did: `repeat` when the device told again what we know, which is no event; `deferred` when it has
 * put a command off so often, or so long, that somebody should hear of it.
 */
export type ReportEffect =
  | { readonly kind: 'answered' | 'repeat' | 'unknown' | 'none' }
  | { readonly kind: 'deferred'; readonly n: number; readonly notNows: number }

const NOTHING = new Uint8Array()
const ANSWERED: ReportEffect = { kind: 'answered' }

/** Applies a report to its channel's queue (docs/architecture.md, "A message of a device"). */
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
    return late(context, channel, report, result)
  }
  if (state === 'not_now') {
    return putOff(context, channel, entry)
  }
  if (state === 'acknowledged') {
    noteAcknowledged(context, entry)
  }
  queue.pending.splice(queue.pending.indexOf(entry), 1)
  queue.depth -= 1
  keepResult(context, entry, { state, result, push: channel.push })
  pruneAfterAnswer(context, channel, queue, entry.id)
  learnFacts(context, channel, { state, requestType: entry.requestType, result })
  return ANSWERED
}

/** NotNow: the command stays, and the alarm pushes again for it, ever more rarely. */
function putOff(context: Context, channel: Channel, entry: PendingCommand): ReportEffect {
  const { db, now, settings } = context
  Object.assign(entry, { state: 'not_now', notNowAt: now, rounds: 0 })
  wakeBy(context, now + PUSH_FALLBACK)
  const { count, ms } = settings.deferredAfter
  const [row] = db.all<{ notNows: number; since: number; deferred: number }>(
    'SELECT not_nows AS notNows, not_now_since AS since, deferred FROM commands WHERE id = ?',
    entry.id,
  )
  const notNows = (row?.notNows ?? 0) + 1
  const since = row?.since || now
  const limit = notNows >= count || now - since >= ms
  db.run(
    `UPDATE commands SET state = 'not_now', not_now_at = ?, not_now_since = ?, not_nows = ?, deferred = ?, rounds = 0
      WHERE id = ?`,
    now,
    since,
    notNows,
    Number(limit),
    entry.id,
  )
  if (notNows === 1) {
    // Once: a device may say it every few minutes for weeks.
    commandAnswered(context, entry, { state: 'not_now', result: NOTHING })
  }
  return limit && row?.deferred === 0
    ? { kind: 'deferred', n: entry.id - channel.id * CHANNEL_SPAN, notNows }
    : ANSWERED
}

/** A report that no pending entry waits for: a repeat, a command given up meanwhile, or nothing of ours. */
function late(
  context: Context,
  channel: Channel,
  report: Report,
  result: Uint8Array,
): ReportEffect {
  if (report.status === 'NotNow' || report.commandUUID === undefined) {
    return { kind: 'unknown' }
  }
  const base = channel.id * CHANNEL_SPAN
  const ended =
    context.state.device.schema === 0
      ? []
      : context.db.all<{
          id: number
          state: CommandState
          requestType: string
          result_hash: string
          secret: number
        }>(
          `SELECT id, state, request_type AS requestType, result_hash, secret FROM commands
      WHERE id BETWEEN ? AND ? AND uuid = ? AND handed_out_at > 0 AND handed_epoch IN (0, ?)
        AND state NOT IN ${PENDING_STATES} ORDER BY id DESC`,
          base,
          base + CHANNEL_SPAN - 1,
          report.commandUUID,
          context.state.device.epoch,
        )
  const [newest] = ended
  if (newest && newest.result_hash === context.hash(result)) {
    return { kind: 'repeat' }
  }
  const unheard = ended.find(
    (row) => (row.state === 'cancelled' || row.state === 'expired') && row.result_hash === '',
  )
  if (unheard) {
    keepResult(
      context,
      { ...unheard, secret: unheard.secret === 1, big: false },
      { state: unheard.state, result, push: channel.push },
    )
    return ANSWERED
  }
  return { kind: 'unknown' }
}

/** Hands out the next command of a channel, if there is one, in the commit that answers the device. */
export function handOut(context: Context, channel: Channel): Uint8Array | undefined {
  const { db, now } = context
  const queue = queueOf(context, channel)
  let entry = nextEntry(queue.pending, queue.roundBegan)
  // Only a stalled command goes behind those that memory does not hold.
  if (queue.more && (!entry || entry.state === 'stalled' || hasStalled(entry))) {
    readWindow(context, channel, queue)
    entry = nextEntry(queue.pending, queue.roundBegan)
  }
  if (!entry) {
    return undefined
  }
  const state = entry.state === 'stalled' || hasStalled(entry) ? 'stalled' : 'sent'
  const newRound = entry.handedOutAt < (queue.roundBegan ?? Infinity)
  Object.assign(entry, { state, handedOutAt: now, rounds: entry.rounds + Number(newRound) })
  const push = channel.push && channel.push.at >= entry.queuedAt ? channel.push : undefined
  const [row] = db.all<{ payload: ArrayBuffer | Uint8Array | null }>(
    `UPDATE commands SET state = ?, handed_out_at = ?, rounds = ?, hand_outs = hand_outs + 1,
      first_handed_out_at = iif(first_handed_out_at = 0, ?, first_handed_out_at),
      handed_epoch = iif(handed_epoch IN (0, ?), ?, -1), push = iif(? = '', push, ?) WHERE id = ?
      RETURNING payload`,
    state,
    now,
    entry.rounds,
    now,
    context.state.device.epoch,
    context.state.device.epoch,
    push ? JSON.stringify(push) : '',
    push ? JSON.stringify(push) : '',
    entry.id,
  )
  const payload = loadBody(context, 'payload', entry.id, row?.payload ?? null, entry.secret)
  return filled(context, entry.requestType, payload)
}

/** Milliseconds since when a channel's oldest pending command waits for the device. */
export function pendingSince(
  context: Context,
  channel: Channel,
): { queuedAt: number; notNowAt: number } | undefined {
  const [oldest] = queueOf(context, channel).pending
  return oldest
}
