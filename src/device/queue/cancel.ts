import { dropParts, loadBody } from '../../storage/bodies.ts'
import type { Context } from '../store/context.ts'
import type { Terms } from './hand-out.ts'
import { PENDING_STATES, queueOf } from './window.ts'
import { readQueuedBy, type QueuedBy } from '../store/commands/queued-by.ts'
import { PAYLOAD_AT_END, soughtByJob, soughtSince } from './history.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import type { Channel } from '../store/state.ts'

/** Entries that an admin sees in a queue: all that the device still has to answer, NotNow included. */
export interface QueuedCommand {
  readonly n: number
  readonly uuid: string
  readonly requestType: string
  readonly secret: boolean
  readonly source: string
  readonly payload: Uint8Array
  readonly terms: Terms
  readonly by: QueuedBy | undefined
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
      source: string
      notBefore: number
      expiresAt: number
      requestKey: string
      requestHash: string
      queuedBy: string
      payload: ArrayBuffer | Uint8Array | null
    }>(
      `SELECT id, uuid, request_type AS requestType, secret, source, not_before AS notBefore, expires_at AS expiresAt,
        request_key AS requestKey, request_hash AS requestHash, queued_by AS queuedBy, payload FROM commands
        WHERE id > ? AND id < ? AND state IN ${PENDING_STATES} ORDER BY id LIMIT 1`,
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
    const { uuid, requestType, source, notBefore, expiresAt, requestKey, requestHash } = row
    const terms = { notBefore, expiresAt, requestKey, requestHash }
    const secret = row.secret === 1
    const payload = loadBody(context, 'payload', row.id, row.payload, secret)
    bytes += payload.length
    const by = readQueuedBy(row.queuedBy)
    commands.push({ n: row.id - base, uuid, requestType, secret, source, payload, terms, by })
  }
  return { commands, next: undefined }
}

/**
 * Empties a channel's queue, or takes some commands out of it; how many is the answer. What is held is for the device that an admin
 * finds to be the right one, so a new enrolment leaves it. What the device may already hold is marked, so that its answer
 * still finds a home, and so are the newest, for whoever asks what became of them, and what a job may look for; the
 * rest is deleted, but for the newest row, which keeps the numbering. What was superseded stays for a week, whole.
 */
export function giveUp(
  context: Context,
  channel: Channel,
  state: 'cancelled' | 'superseded',
  which: {
    readonly queuedUntil?: number
    readonly numbers?: readonly number[]
    readonly held?: boolean
  } = {},
): number {
  if (context.state.device.schema === 0) {
    return 0
  }
  const queue = queueOf(context, channel)
  const base = channel.id * CHANNEL_SPAN
  const numbers = which.numbers ? JSON.stringify(which.numbers) : null
  const rows = context.db.all<{ id: number; stays: number; big: number }>(
    `SELECT id, handed_out_at > 0 OR ${soughtByJob('?')} AS stays, payload IS NULL AS big FROM commands
      WHERE id BETWEEN ? AND ? AND state IN ${PENDING_STATES} AND queued_at <= ?
      AND NOT (? AND state = 'held') AND (? IS NULL OR id IN (SELECT ? + value FROM json_each(?))) ORDER BY id`,
    soughtSince(context),
    base,
    base + CHANNEL_SPAN - 1,
    Math.min(which.queuedUntil ?? Infinity, Number.MAX_SAFE_INTEGER),
    Number(state === 'superseded' && which.held !== true),
    numbers,
    base,
    numbers,
  )
  const shown = rows.length - context.settings.keepResults.count
  for (const [place, row] of rows.entries()) {
    context.effects.finished.add(row.id)
    if (state === 'superseded') {
      // It may be queued again: see requeue.ts.
      context.db.run(
        `UPDATE commands SET state = 'superseded', ended_at = ?, held_for = '' WHERE id = ?`,
        context.now,
        row.id,
      )
      continue
    }
    if (row.stays || row.id === queue.lastId || place >= shown) {
      context.db.run(
        `UPDATE commands SET state = ?, ended_at = ?, payload = ${PAYLOAD_AT_END} WHERE id = ?`,
        state,
        context.now,
        row.id,
      )
    } else {
      context.db.run('DELETE FROM commands WHERE id = ?', row.id)
    }
    if (row.big) {
      dropParts(context.db, 'payload', row.id)
    }
  }
  context.state.queues.delete(channel.id)
  return rows.length
}
