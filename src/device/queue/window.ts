import { dropParts } from '../../storage/bodies.ts'
import type { Channel } from '../store/channel-row.ts'
import { endRow } from '../store/commands/ended.ts'
import { rowOf } from '../store/commands/ids.ts'
import { tellCommand } from '../store/commands/news.ts'
import { expiredRows, measureQueue, readHead } from '../store/commands/pending.ts'
import { wakeBy, type Context } from '../store/context.ts'
import { newQueue, type Queue } from '../store/state.ts'
import { pruneResults } from './history.ts'

/** The number of pending commands in memory. When they are done, the next ones of a longer queue are read. */
export const WINDOW = 200
/**
 * When the alarm checks whether a new command was fetched: the push timer may have ended with its process.
 */
export const PUSH_FALLBACK = 60_000

/**
 * A channel's queue, read from its table on first use. It is always as of now: expired commands are out of
 * it, and commands whose start time has come are in it.
 */
export function queueOf(context: Context, channel: Channel): Queue {
  const queue = context.state.queues.get(channel.id) ?? firstRead(context, channel)
  if (queue.expiresAt <= context.now) {
    expireCommands(context, channel, queue)
  } else if (queue.heldUntil <= context.now) {
    readWindow(context, channel, queue)
  }
  return queue
}

/** Reads the head of the queue again, and measures the rest. */
export function readWindow(context: Context, channel: Channel, queue: Queue): void {
  const { db, now } = context
  const size = Math.max(WINDOW, queue.pending.length * 2)
  const head = readHead(db, channel, { now, limit: size + 1 })
  const { newest, ...measured } = measureQueue(db, channel, now)
  Object.assign(queue, measured, { lastId: Math.max(queue.lastId, newest) })
  queue.more = head.length > size
  queue.pending = head.slice(0, size)
  wakeBy(context, Math.min(queue.heldUntil, queue.expiresAt))
  const justReleased = queue.pending.some(
    ({ released, handedOutAt, queuedAt }) =>
      released && handedOutAt === 0 && queuedAt > now - PUSH_FALLBACK,
  )
  if (justReleased && channel.token !== null) {
    context.effects.push.add(channel.id)
  }
}

/** The channel's oldest pending command that may be handed out: since when it waits, and its last NotNow. */
export function pendingSince(
  context: Context,
  channel: Channel,
): { readonly queuedAt: number; readonly notNowAt: number } | undefined {
  const [oldest] = queueOf(context, channel).pending
  return oldest
}

function firstRead(context: Context, channel: Channel): Queue {
  const queue = newQueue(rowOf(channel, 0))
  readWindow(context, channel, queue)
  context.state.queues.set(channel.id, queue)
  return queue
}

/** A device may already have a command that expires. Its answer is then still stored with the command. */
function expireCommands(context: Context, channel: Channel, queue: Queue): void {
  const { db, now, effects } = context
  const rows = expiredRows(db, channel, now)
  for (const { id, big } of rows) {
    endRow(db, id, 'expired', now)
    effects.finished.add(id)
    tellCommand(context, channel, id, 'expired')
    if (big) {
      dropParts(db, 'payload', id)
    }
  }
  readWindow(context, channel, queue)
  pruneResults(context, channel, queue, rows.length)
}
