import { isDevice } from './address.ts'
import { MOVED } from './commands.ts'
import type { Context } from './context.ts'
import { enqueue } from './queue.ts'
import { giveUp, viewQueue, type QueuedCommand } from './queue-view.ts'
import { CHANNEL_SPAN } from './schema.ts'
import { channelOf, knownChannel } from './state.ts'

/** A page of the commands that wait under a name that is no device's; `undefined` when it is one's. */
export function waiting(context: Context): readonly QueuedCommand[] | undefined {
  return isDevice(context) ? undefined : viewQueue(context, channelOf(context, ''), 0).commands
}

/**
 * Takes over what waited under the name `from`; a repeated hand-over adds nothing. What a job has queued keeps its own
 * source, by which the job finds it again here.
 * @returns false when the user has no channel here
 */
export function takeOver(
  context: Context,
  user: string,
  from: string,
  commands: readonly QueuedCommand[],
): boolean {
  const channel = knownChannel(context.state, user)
  if (!channel || !isDevice(context)) {
    return false
  }
  const base = channel.id * CHANNEL_SPAN
  for (const { n, ...command } of commands) {
    const source = command.source.startsWith('job/') ? command.source : `${from}.${n}`
    const there = context.db.all(
      'SELECT 1 FROM commands WHERE id BETWEEN ? AND ? AND source = ?',
      base,
      base + CHANNEL_SPAN - 1,
      source,
    )
    if (there.length === 0) {
      enqueue(context, channel, { ...command, source })
    }
  }
  return true
}

/** Another object has these commands now. */
export function takenOver(context: Context, numbers: readonly number[]): void {
  giveUp(context, channelOf(context, ''), 'cancelled', { numbers })
  context.db.run(
    'UPDATE commands SET source = ? WHERE id IN (SELECT value FROM json_each(?))',
    MOVED,
    JSON.stringify(numbers),
  )
}
