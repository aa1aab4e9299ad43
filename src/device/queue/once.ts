import type { CommandState } from '../../mdm/queue.ts'
import { queueCommand, type Queued } from './enqueue.ts'
import { commandId } from './lookup.ts'
import type { Context } from '../store/context.ts'
import { recalledChannel } from '../store/channels.ts'
import type { NewCommand } from './hand-out.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import type { Channel } from '../store/state.ts'

/**
 * Queues a command, unless its channel has one of the same `source` already: a job that died in the middle of a batch repeats the
 * batch. `since` is when the job began (milliseconds, early rather than late); `undefined` for a command of no job.
 */
export function enqueueOnce(
  context: Context,
  user: string,
  command: NewCommand,
  since: number | undefined,
): Queued {
  if (since === undefined) {
    return queueCommand(context, user, command)
  }
  const channel = recalledChannel(context, user)
  const before = channel && queuedFrom(context, channel, command.source, since)
  return channel && before !== undefined
    ? { kind: 'queued', id: commandId(context, channel, before), repeated: true }
    : queueCommand(context, user, command)
}

/**
 * The number of the command that came from `source`. Commands are numbered as they were queued, so the walk goes
 * from the newest back to the first one that is older than the job: history costs nothing, and no index is paid for.
 */
function queuedFrom(
  { db, state }: Context,
  channel: Channel,
  source: string,
  since: number,
): number | undefined {
  if (state.device.schema === 0) {
    return undefined
  }
  const base = channel.id * CHANNEL_SPAN
  const [older] = db.all<{ id: number }>(
    `SELECT id FROM commands WHERE id BETWEEN ? AND ? AND queued_at < ? ORDER BY id DESC LIMIT 1`,
    base,
    base + CHANNEL_SPAN - 1,
    since,
  )
  const [found] = db.all<{ id: number }>(
    'SELECT id FROM commands WHERE id > ? AND id < ? AND source = ? LIMIT 1',
    older?.id ?? base,
    base + CHANNEL_SPAN,
    source,
  )
  return found && found.id - base
}

/** How far a channel's command is; `undefined` when nothing remembers it. */
export function commandState(context: Context, user: string, n: number): CommandState | undefined {
  const channel = recalledChannel(context, user)
  if (!channel || context.state.device.schema === 0) {
    return undefined
  }
  const [row] = context.db.all<{ state: CommandState }>(
    'SELECT state FROM commands WHERE id = ?',
    channel.id * CHANNEL_SPAN + n,
  )
  return row?.state
}
