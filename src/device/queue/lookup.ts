import { enrollmentId } from '../../mdm/enrollment.ts'
import type { CommandState } from '../../mdm/queue.ts'
import { hasParts, loadBody, type BodyKind, type InlineBody } from '../../storage/bodies.ts'
import { readPushNote, type Channel, type PushNote } from '../store/channel-row.ts'
import { channelAt, recalledChannel } from '../store/channels.ts'
import { channelIdOf, commandId, numberOf, rowOf } from '../store/commands/ids.ts'
import { progressOfRow } from '../store/commands/pending.ts'
import { readQueuedBy, type QueuedBy } from '../store/commands/queued-by.ts'
import {
  isStoredHere,
  listRows,
  readRow,
  readRows,
  rowFrom,
  type CommandRow,
} from '../store/commands/read.ts'
import type { Context } from '../store/context.ts'
import { recordRead, type EscrowReader } from '../store/escrow/reads.ts'
import { queueOf } from './window.ts'

/** A command as an id names it. The enrolment may be a bare UserID that belongs to a device by now. */
export interface CommandRef {
  readonly enrollment: string
  readonly n: number
}

/** A command without its bodies. A queued one that waits for its start time is `held` too. */
export interface CommandView extends Omit<CommandRow, 'id' | 'push' | 'queuedBy' | 'repeatable'> {
  readonly id: string
  /** Objects of an earlier version do not say it. */
  readonly repeatable?: boolean
  /** The last push since it was queued. */
  readonly push: PushNote | undefined
  readonly queuedBy: QueuedBy | undefined
}

export type CommandAnswer =
  | {
      readonly kind: 'command'
      readonly row: number
      readonly pending: boolean
      readonly view: CommandView
      /** Whether an admin has to give a reason to see its secrets. */
      readonly secret: boolean
      /** For the device; undefined once the command has ended. */
      readonly payload: Uint8Array | undefined
      /** The device's answer, as long as results are kept. */
      readonly result: Uint8Array | undefined
    }
  | { readonly kind: 'unknown' }

export interface CommandFilter {
  /** Only commands queued before the one of this number; undefined begins with the newest. */
  readonly before: number | undefined
  readonly limit: number
  /** None means all. */
  readonly states: readonly string[]
  /** One type, or several between commas. */
  readonly requestType: string | undefined
}

export interface CommandList {
  readonly kind: 'list'
  readonly commands: readonly CommandView[]
  /** `before` of the next page. */
  readonly next: number | undefined
}

export function viewCommand(context: Context, user: string, ref: CommandRef): CommandAnswer {
  const found = locateCommand(context, user, ref)
  if (!found) {
    return { kind: 'unknown' }
  }
  const { channel, row } = found
  const stored = readRow(context.db, row)
  if (!stored) {
    return { kind: 'unknown' }
  }
  const secret = stored.secret === 1
  return {
    kind: 'command',
    row,
    pending: stored.pending === 1,
    view: asView(context, channel, stored),
    secret,
    payload: storedBody(context, 'payload', row, stored.payload, secret),
    result: storedBody(context, 'result', row, stored.result, secret),
  }
}

/**
 * A command with its secrets, as long as they are kept. The entry about the reading is part of the same
 * commit.
 */
export function revealCommand(
  context: Context,
  user: string,
  ref: CommandRef,
  reader: EscrowReader,
): CommandAnswer {
  const answer = viewCommand(context, user, ref)
  if (answer.kind === 'command' && (answer.payload ?? answer.result)) {
    recordRead(context, 'command', answer.row, reader)
  }
  return answer
}

/** How far a channel's command is; undefined if its row is gone. */
export function stateOfCommand(
  context: Context,
  user: string,
  n: number,
): CommandState | undefined {
  const channel = recalledChannel(context, user)
  return channel && progressOfRow(context.db, rowOf(channel, n))?.state
}

/** A channel's commands, newest first: pending ones, and those that history keeps. */
export function listCommands(
  context: Context,
  channel: Channel,
  filter: CommandFilter,
): CommandList {
  queueOf(context, channel)
  const { limit } = filter
  const rows = listRows(context.db, channel, { ...filter, limit: limit + 1, now: context.now })
  const page = rows.slice(0, limit)
  const last = rows.length > limit ? page.at(-1) : undefined
  return {
    kind: 'list',
    commands: page.map((row) => asView(context, channel, row)),
    next: last && numberOf(last.id),
  }
}

/** Whether an id names a command that is stored here and was not moved to another object. */
export function isHere(context: Context, user: string, ref: CommandRef): boolean {
  const found = locateCommand(context, user, ref)
  return found !== undefined && isStoredHere(context.db, found.row)
}

/** The channel and the row of a command that an id names. */
export function locateCommand(
  context: Context,
  user: string,
  { enrollment, n }: CommandRef,
): { channel: Channel; row: number } | undefined {
  const channel = recalledChannel(context, user)
  if (!channel) {
    return undefined
  }
  // A command that has expired by now has to be seen as expired.
  queueOf(context, channel)
  if (enrollment === enrollmentId(context.name, user)) {
    return { channel, row: rowOf(channel, n) }
  }
  const row = rowFrom(context.db, `${enrollment}.${n}`)
  return row === undefined ? undefined : { channel, row }
}

/** Commands of any channel by their rows, without deleted ones. */
export function viewRows(context: Context, rows: readonly number[]): Map<number, CommandView> {
  return new Map(
    readRows(context.db, rows).flatMap((row) => {
      const channel = channelAt(context, channelIdOf(row.id))
      return channel ? [[row.id, asView(context, channel, row)]] : []
    }),
  )
}

function asView(context: Context, channel: Channel, stored: CommandRow): CommandView {
  const { id, push, state, queuedBy, repeatable, ...rest } = stored
  const pushed = channel.push && channel.push.at >= rest.queuedAt ? channel.push : undefined
  return {
    ...rest,
    id: commandId(context, channel, numberOf(id)),
    state: state === 'queued' && rest.notBefore > context.now ? 'held' : state,
    queuedBy: readQueuedBy(queuedBy),
    repeatable: repeatable === 1,
    push: rest.endedAt === 0 ? newest(readPushNote(push), pushed) : readPushNote(push),
  }
}

/** The row has the push of the last hand-out. While the command waits, the channel may have a newer one. */
function newest(one: PushNote | undefined, other: PushNote | undefined): PushNote | undefined {
  return one && other && one.at > other.at ? one : (other ?? one)
}

function storedBody(
  context: Context,
  kind: BodyKind,
  row: number,
  inline: InlineBody,
  secret: boolean,
): Uint8Array | undefined {
  return inline === null && !hasParts(context.db, kind, row)
    ? undefined
    : loadBody(context, kind, row, inline, secret)
}
