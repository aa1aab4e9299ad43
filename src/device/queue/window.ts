import { dropParts } from '../../storage/bodies.ts'
import { wakeBy, type Context } from '../store/context.ts'
import { PAYLOAD_AT_END, pruneResults } from './history.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import type { Channel, PendingCommand, Queue } from '../store/state.ts'

/** Pending entries that memory holds; a longer queue is read on when these are through. */
export const WINDOW = 200
/** When the alarm looks whether a new command was fetched, should the push timer have died with the process. */
export const PUSH_FALLBACK = 60_000
export const PENDING_STATES = "('queued', 'sent', 'not_now', 'stalled', 'held')"

/**
 * A channel's queue, read from its table when first asked for. What has expired by now is out of it, and what was
 * held until now is in it: nobody sees a queue of another time.
 */
export function queueOf(context: Context, channel: Channel): Queue {
  const queue = context.state.queues.get(channel.id) ?? firstRead(context, channel)
  if (queue.expiresAt <= context.now) {
    expire(context, channel, queue)
  } else if (queue.heldUntil <= context.now) {
    readWindow(context, channel, queue)
  }
  return queue
}

/** Reads the head of the queue again, and what lies behind it. */
export function readWindow(context: Context, channel: Channel, queue: Queue): void {
  const base = channel.id * CHANNEL_SPAN
  const size = Math.max(WINDOW, queue.pending.length * 2)
  const range = `id BETWEEN ? AND ? AND state IN ${PENDING_STATES}`
  const rows = context.db.all<
    Omit<PendingCommand, 'secret' | 'big' | 'released'> & {
      secret: number
      big: number
      released: number
    }
  >(
    `SELECT id, uuid, request_type AS requestType, secret, state, rounds, max(queued_at, not_before) AS queuedAt,
      handed_out_at AS handedOutAt, not_now_at AS notNowAt, not_before > queued_at AS released, payload IS NULL AS big FROM commands
      WHERE ${range} AND state <> 'held' AND not_before <= ? ORDER BY handed_out_at = 0, id LIMIT ?`,
    base,
    base + CHANNEL_SPAN - 1,
    context.now,
    size + 1,
  )
  const [all] = context.db.all<{ depth: number; held: number | null; expires: number | null }>(
    `SELECT count(*) AS depth, min(iif(not_before > ?, not_before, NULL)) AS held,
      min(nullif(expires_at, 0)) AS expires FROM commands WHERE ${range}`,
    context.now,
    base,
    base + CHANNEL_SPAN - 1,
  )
  queue.more = rows.length > size
  queue.pending = rows.slice(0, size).map((row) => ({
    ...row,
    secret: row.secret === 1,
    big: row.big === 1,
    released: row.released === 1,
  }))
  queue.depth = all?.depth ?? 0
  queue.heldUntil = all?.held ?? Infinity
  queue.expiresAt = all?.expires ?? Infinity
  wakeBy(context, Math.min(queue.heldUntil, queue.expiresAt))
  const justReleased = queue.pending.some(
    ({ released, handedOutAt, queuedAt }) =>
      released && handedOutAt === 0 && queuedAt > context.now - PUSH_FALLBACK,
  )
  if (justReleased && channel.token !== null) {
    context.effects.push.add(channel.id)
  }
}

function firstRead(context: Context, channel: Channel): Queue {
  const base = channel.id * CHANNEL_SPAN
  const queue: Queue = {
    pending: [],
    more: false,
    lastId: base,
    depth: 0,
    pruned: false,
    heldUntil: Infinity,
    expiresAt: Infinity,
    roundBegan: undefined,
  }
  if (context.state.device.schema > 0) {
    const [last] = context.db.all<{ id: number | null }>(
      'SELECT max(id) AS id FROM commands WHERE id BETWEEN ? AND ?',
      base,
      base + CHANNEL_SPAN - 1,
    )
    queue.lastId = last?.id ?? base
    readWindow(context, channel, queue)
  }
  context.state.queues.set(channel.id, queue)
  return queue
}

/** What nobody wants carried out any more; the device may hold it already, and its answer still finds a home. */
function expire(context: Context, channel: Channel, queue: Queue): void {
  const { db, now } = context
  const base = channel.id * CHANNEL_SPAN
  const rows = db.all<{ id: number; big: number }>(
    `SELECT id, payload IS NULL AS big FROM commands
      WHERE id BETWEEN ? AND ? AND state IN ${PENDING_STATES} AND expires_at BETWEEN 1 AND ?`,
    base,
    base + CHANNEL_SPAN - 1,
    now,
  )
  for (const { id, big } of rows) {
    db.run(
      `UPDATE commands SET state = 'expired', ended_at = ?, payload = ${PAYLOAD_AT_END} WHERE id = ?`,
      now,
      id,
    )
    context.effects.finished.add(id)
    if (big) {
      dropParts(db, 'payload', id)
    }
  }
  readWindow(context, channel, queue)
  pruneResults(context, channel, queue, rows.length)
}
