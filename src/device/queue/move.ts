import { isForDeviceOnly } from '../../commands/table.ts'
import { isDevice } from '../store/address.ts'
import { MOVED } from './lookup.ts'
import type { Context } from '../store/context.ts'
import { recalledChannel } from '../store/channels.ts'
import { enqueue } from './hand-out.ts'
import { queueOf } from './window.ts'
import { giveUp, viewQueue, type QueuedCommand } from './cancel.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import { channelOf } from '../store/state.ts'

/** Whether something waits under a name that is no device's. */
export function hasWaiting(context: Context): boolean {
  return !isDevice(context) && queueOf(context, channelOf(context, '')).depth > 0
}

/** A page of the commands that wait under a name that is no device's, from behind entry `after` on. */
export interface Waiting {
  /** Those that a user channel takes. */
  readonly commands: readonly QueuedCommand[]
  /** How many others there are. */
  readonly others: number
  readonly next: number | undefined
}

/** @returns `undefined` when the name is a device's */
export function waiting(context: Context, after: number): Waiting | undefined {
  if (isDevice(context)) {
    return undefined
  }
  const page = viewQueue(context, channelOf(context, ''), after)
  const commands = page.commands.filter(({ requestType }) => !isForDeviceOnly(requestType))
  return { commands, others: page.commands.length - commands.length, next: page.next }
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
  const channel = recalledChannel(context, user)
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
