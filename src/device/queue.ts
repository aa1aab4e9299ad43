import type { Report } from '../mdm/message.ts'
import {
  beginsRound,
  entryAnswered,
  hasStalled,
  nextEntry,
  stateAfter,
  type CommandState,
} from '../mdm/queue.ts'
import { dropParts, loadBody, storeBody } from './bodies.ts'
import { filled } from './clear-passcode.ts'
import { wakeBy, type Context } from './context.ts'
import { keepResult, pruneResults } from './results.ts'
import { CHANNEL_SPAN } from './schema.ts'
import { saveDevice, type Channel, type PendingCommand, type Queue } from './state.ts'

/** Pending entries that memory holds; a longer queue is read on when these are through. */
const WINDOW = 200
/** When the alarm looks whether a new command was fetched, should the push timer have died with the process. */
export const PUSH_FALLBACK = 60_000
const PENDING_STATES = "('queued', 'sent', 'not_now', 'stalled')"

export interface NewCommand {
  readonly uuid: string
  readonly requestType: string
  readonly payload: Uint8Array
  readonly secret: boolean
  /** Where it was handed over from, so that a repeated hand-over adds nothing; empty otherwise. */
  readonly source: string
}

/** Adds an entry at the end of a channel's queue; its number within the channel is the answer. */
export function enqueue(context: Context, channel: Channel, command: NewCommand): number {
  const { db, state, now } = context
  if (state.device.schema === 0) {
    saveDevice(db, state.device)
  }
  const queue = queueOf(context, channel)
  const id = queue.lastId + 1
  db.run(
    `INSERT INTO commands (id, uuid, request_type, state, rounds, queued_at, handed_out_at, not_now_at, answered_at,
      result_hash, secret, source, payload) VALUES (?, ?, ?, 'queued', 0, ?, 0, 0, 0, '', ?, ?, ?)`,
    id,
    command.uuid,
    command.requestType,
    now,
    Number(command.secret),
    command.source,
    storeBody(context, 'payload', id, command.payload, command.secret),
  )
  queue.lastId = id
  if (queue.pending.length < WINDOW && !queue.more) {
    queue.pending.push({
      id,
      uuid: command.uuid,
      requestType: command.requestType,
      secret: command.secret,
      state: 'queued',
      rounds: 0,
      queuedAt: now,
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

/** A channel's queue, read from its table when first asked for. */
export function queueOf(context: Context, channel: Channel): Queue {
  const known = context.state.queues.get(channel.id)
  if (known) {
    return known
  }
  const base = channel.id * CHANNEL_SPAN
  const queue: Queue = { pending: [], more: false, lastId: base, roundBegan: undefined }
  if (context.state.device.schema > 0) {
    const [last] = context.db.all<{ id: number | null }>(
      'SELECT max(id) AS id FROM commands WHERE id BETWEEN ? AND ?',
      base,
      base + CHANNEL_SPAN - 1,
    )
    queue.lastId = last?.id ?? base
    readWindow(context, queue, base)
  }
  context.state.queues.set(channel.id, queue)
  return queue
}

/** What a report did: `repeat` when the device told again what we know, which is no event. */
export type ReportEffect = 'answered' | 'repeat' | 'unknown' | 'none'

/** Applies a report to its channel's queue (design.md 5). */
export function applyReport(
  context: Context,
  channel: Channel,
  report: Report,
  result: Uint8Array,
): ReportEffect {
  const queue = queueOf(context, channel)
  if (beginsRound(report)) {
    queue.roundBegan = context.now
    return 'none'
  }
  const state = stateAfter(report)
  const entry = entryAnswered(queue.pending, report)
  if (!entry || state === undefined) {
    return late(context, channel, report, result)
  }
  if (state === 'not_now') {
    Object.assign(entry, { state, notNowAt: context.now, rounds: 0 })
    context.db.run(
      'UPDATE commands SET state = ?, not_now_at = ?, rounds = 0 WHERE id = ?',
      state,
      context.now,
      entry.id,
    )
    wakeBy(context, context.now + PUSH_FALLBACK)
    return 'answered'
  }
  queue.pending.splice(queue.pending.indexOf(entry), 1)
  keepResult(context, entry.id, { state, report, result, secret: entry.secret })
  pruneResults(context, channel, queue)
  return 'answered'
}

/** A report that no pending entry waits for: a repeat, a command given up meanwhile, or nothing of ours. */
function late(
  context: Context,
  channel: Channel,
  report: Report,
  result: Uint8Array,
): ReportEffect {
  if (report.status === 'NotNow' || report.commandUUID === undefined) {
    return 'unknown'
  }
  const base = channel.id * CHANNEL_SPAN
  const ended =
    context.state.device.schema === 0
      ? []
      : context.db.all<{
          id: number
          state: CommandState
          result_hash: string
          secret: number
        }>(
          `SELECT id, state, result_hash, secret FROM commands WHERE id BETWEEN ? AND ? AND uuid = ?
      AND handed_out_at > 0 AND state NOT IN ${PENDING_STATES} ORDER BY id DESC`,
          base,
          base + CHANNEL_SPAN - 1,
          report.commandUUID,
        )
  const [newest] = ended
  if (newest && newest.result_hash === context.hash(result)) {
    return 'repeat'
  }
  const unheard = ended.find(({ state, result_hash: hash }) => state === 'cancelled' && hash === '')
  if (unheard) {
    keepResult(context, unheard.id, {
      state: unheard.state,
      report,
      result,
      secret: unheard.secret === 1,
    })
    return 'answered'
  }
  return 'unknown'
}

/** Hands out the next command of a channel, if there is one, in the commit that answers the device. */
export function handOut(context: Context, channel: Channel): Uint8Array | undefined {
  const { db, now } = context
  const queue = queueOf(context, channel)
  let entry = nextEntry(queue.pending, queue.roundBegan)
  if (queue.more && (!entry || entry.state !== 'queued')) {
    readWindow(context, queue, channel.id * CHANNEL_SPAN)
    entry = nextEntry(queue.pending, queue.roundBegan)
  }
  if (!entry) {
    return undefined
  }
  const [row] = db.all<{ payload: ArrayBuffer | Uint8Array | null }>(
    'SELECT payload FROM commands WHERE id = ?',
    entry.id,
  )
  const state = entry.state === 'stalled' || hasStalled(entry) ? 'stalled' : 'sent'
  const newRound = entry.handedOutAt < (queue.roundBegan ?? Infinity)
  Object.assign(entry, { state, handedOutAt: now, rounds: entry.rounds + Number(newRound) })
  db.run(
    'UPDATE commands SET state = ?, handed_out_at = ?, rounds = ? WHERE id = ?',
    state,
    now,
    entry.rounds,
    entry.id,
  )
  const payload = loadBody(context, 'payload', entry.id, row?.payload ?? null, entry.secret)
  return filled(context, entry.requestType, payload)
}

/** Entries that an admin sees in a queue: all that the device still has to answer, NotNow included. */
export interface QueuedCommand {
  readonly n: number
  readonly uuid: string
  readonly requestType: string
  readonly secret: boolean
  readonly payload: Uint8Array
}

const PAGE_BYTES = 4_000_000

/** A page of a channel's pending commands, oldest first, from behind entry `after` on. */
export function viewQueue(
  context: Context,
  channel: Channel,
  after: number,
): { commands: QueuedCommand[]; next: number | undefined } {
  const base = channel.id * CHANNEL_SPAN
  const commands: QueuedCommand[] = []
  let bytes = 0
  let last = base + after
  while (context.state.device.schema > 0) {
    const [row] = context.db.all<{
      id: number
      uuid: string
      requestType: string
      secret: number
      payload: ArrayBuffer | Uint8Array | null
    }>(
      `SELECT id, uuid, request_type AS requestType, secret, payload FROM commands WHERE id > ? AND id < ? AND state IN ${PENDING_STATES}
        ORDER BY id LIMIT 1`,
      last,
      base + CHANNEL_SPAN,
    )
    if (!row) {
      break
    }
    if (bytes > PAGE_BYTES) {
      return { commands, next: last - base }
    }
    last = row.id
    const { uuid, requestType } = row
    const secret = row.secret === 1
    const payload = loadBody(context, 'payload', row.id, row.payload, secret)
    bytes += payload.length
    commands.push({ n: row.id - base, uuid, requestType, secret, payload })
  }
  return { commands, next: undefined }
}

/**
 * Empties a channel's queue. What the device may already hold is marked, so that its answer still finds a
 * home; the rest is deleted, but for the newest row, which keeps the numbering.
 */
export function giveUp(
  context: Context,
  channel: Channel,
  state: 'cancelled' | 'superseded',
  queuedUntil = Infinity,
): void {
  if (context.state.device.schema === 0) {
    return
  }
  const queue = queueOf(context, channel)
  const base = channel.id * CHANNEL_SPAN
  const rows = context.db.all<{ id: number; handed_out_at: number; big: number }>(
    `SELECT id, handed_out_at, payload IS NULL AS big FROM commands
      WHERE id BETWEEN ? AND ? AND state IN ${PENDING_STATES} AND queued_at <= ?`,
    base,
    base + CHANNEL_SPAN - 1,
    Math.min(queuedUntil, Number.MAX_SAFE_INTEGER),
  )
  for (const row of rows) {
    if (row.handed_out_at > 0 || row.id === queue.lastId) {
      context.db.run('UPDATE commands SET state = ?, payload = NULL WHERE id = ?', state, row.id)
    } else {
      context.db.run('DELETE FROM commands WHERE id = ?', row.id)
    }
    if (row.big) {
      dropParts(context.db, 'payload', row.id)
    }
  }
  context.state.queues.delete(channel.id)
}

/** Milliseconds since when a channel's oldest pending command waits for the device. */
export function pendingSince(
  context: Context,
  channel: Channel,
): { queuedAt: number; notNowAt: number } | undefined {
  const [oldest] = queueOf(context, channel).pending
  return oldest
}

function readWindow(context: Context, queue: Queue, base: number): void {
  const size = Math.max(WINDOW, queue.pending.length * 2)
  const rows = context.db.all<Omit<PendingCommand, 'secret'> & { secret: number }>(
    `SELECT id, uuid, request_type AS requestType, secret, state, rounds, queued_at AS queuedAt,
      handed_out_at AS handedOutAt, not_now_at AS notNowAt FROM commands
      WHERE id BETWEEN ? AND ? AND state IN ${PENDING_STATES} ORDER BY id LIMIT ?`,
    base,
    base + CHANNEL_SPAN - 1,
    size + 1,
  )
  queue.more = rows.length > size
  queue.pending = rows.slice(0, size).map((row) => ({ ...row, secret: row.secret === 1 }))
}
