/** Commands that wait under a name that is no device's: they move to the user channel that has the name. */
import { isForDeviceOnly } from '../../commands/request-types.ts'
import { isDevice } from '../store/address.ts'
import { channelOf, recalledChannel } from '../store/channels.ts'
import { hasSource, markMoved } from '../store/commands/read.ts'
import type { Context } from '../store/context.ts'
import { cancelCommands } from './cancel.ts'
import { appendCommand } from './enqueue.ts'
import { pageOf, type QueuedCommand } from './page.ts'
import { queueOf } from './window.ts'

/** Whether commands wait under a name that is no device's. */
export function hasWaiting(context: Context): boolean {
  return !isDevice(context) && queueOf(context, channelOf(context, '')).depth > 0
}

/** A page of the commands that wait under a name that is no device's. */
export interface WaitingPage {
  /** Those that a user channel accepts. */
  readonly commands: readonly QueuedCommand[]
  /** How many others there are. */
  readonly others: number
  readonly next: number | undefined
}

/** @returns `undefined` when the name is a device's */
export function viewWaiting(context: Context, after: number): WaitingPage | undefined {
  if (isDevice(context)) {
    return undefined
  }
  const page = pageOf(context, channelOf(context, ''), after)
  const commands = page.commands.filter(({ requestType }) => !isForDeviceOnly(requestType))
  return { commands, others: page.commands.length - commands.length, next: page.next }
}

/**
 * Takes over commands that waited under the name `from`; a repeated call adds nothing. Commands of a job keep
 * their source, by which the job finds them here.
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
  for (const { n, ...command } of commands) {
    const source = command.source.startsWith('job/') ? command.source : `${from}.${n}`
    if (!hasSource(context.db, channel, source)) {
      appendCommand(context, channel, { ...command, source })
    }
  }
  return true
}

/** Ends commands that another object has taken over. */
export function endMoved(context: Context, numbers: readonly number[]): void {
  cancelCommands(context, channelOf(context, ''), numbers)
  markMoved(context.db, numbers)
}
