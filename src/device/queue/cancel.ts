/** How pending commands end without an answer: an admin cancels them, or a new enrolment supersedes them. */
import { dropParts } from '../../storage/bodies.ts'
import type { Channel } from '../store/channel-row.ts'
import {
  deleteRow,
  endingRows,
  endRow,
  supersedeRow,
  type Ending,
} from '../store/commands/ended.ts'
import { tellCommand } from '../store/commands/news.ts'
import { jobHorizon } from '../store/commands/states.ts'
import type { Context } from '../store/context.ts'
import { pruneResults } from './history.ts'
import { viewCommand, type CommandRef } from './lookup.ts'
import { queueOf, readWindow } from './window.ts'

export type Cancelled =
  | { readonly kind: 'cancelled' }
  /** It has ended already, in this state. */
  | { readonly kind: 'ended'; readonly state: string }
  | { readonly kind: 'unknown' }

/** Cancels one command. If the device has it already, it may still carry it out. */
export function cancelCommand(context: Context, channel: Channel, ref: CommandRef): Cancelled {
  const { db, now, effects } = context
  const answer = viewCommand(context, channel.user, ref)
  if (answer.kind !== 'command') {
    return answer
  }
  if (!answer.pending) {
    return { kind: 'ended', state: answer.view.state }
  }
  endRow(db, answer.row, 'cancelled', now)
  dropParts(db, 'payload', answer.row)
  effects.finished.add(answer.row)
  tellCommand(context, channel, answer.row, 'cancelled')
  const queue = queueOf(context, channel)
  readWindow(context, channel, queue)
  pruneResults(context, channel, queue, 1)
  return { kind: 'cancelled' }
}

/** Cancels all commands of a channel, held ones too. */
export function clearQueue(context: Context, channel: Channel) {
  return { kind: 'cleared', cancelled: cancelCommands(context, channel) } as const
}

/**
 * Cancels a channel's pending commands, or those of some numbers. Some rows stay: those that the device may
 * have, for its answer; the newest ones, for clients that ask for them; those that a job may look for; and
 * the last row, for its number. @returns how many it cancelled
 */
export function cancelCommands(
  context: Context,
  channel: Channel,
  numbers?: readonly number[],
): number {
  const { db, now, settings, state, effects } = context
  const { lastId } = queueOf(context, channel)
  const which = { held: true, ...(numbers && { numbers }) }
  const rows = endingRows(db, channel, which, jobHorizon(now))
  const newest = rows.length - settings.keepResults.count
  for (const [place, { id, needed, big }] of rows.entries()) {
    effects.finished.add(id)
    tellCommand(context, channel, id, 'cancelled')
    if (needed || id === lastId || place >= newest) {
      endRow(db, id, 'cancelled', now)
    } else {
      deleteRow(db, id)
    }
    if (big) {
      dropParts(db, 'payload', id)
    }
  }
  state.queues.delete(channel.id)
  return rows.length
}

/**
 * Supersedes a channel's pending commands. They can be restored for a week (restore-superseded.ts). Held
 * commands stay, unless `held` is set: they are for the device that an admin confirms.
 */
export function supersedeCommands(
  context: Context,
  channel: Channel,
  which: Omit<Ending, 'held'> & { readonly held?: boolean },
): void {
  const { db, now, state, effects } = context
  queueOf(context, channel)
  const rows = endingRows(db, channel, { held: false, ...which }, jobHorizon(now))
  for (const { id } of rows) {
    effects.finished.add(id)
    tellCommand(context, channel, id, 'superseded')
    supersedeRow(db, id, now)
  }
  state.queues.delete(channel.id)
}
