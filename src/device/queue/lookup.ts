import { enrollmentId } from '../../mdm/enrollment.ts'
import type { CommandState } from '../../mdm/queue.ts'
import { dropParts, hasParts, loadBody, type BodyKind } from '../../storage/bodies.ts'
import type { Context } from '../store/context.ts'
import type { HeldFor } from './held.ts'
import { channelAt, recalledChannel } from '../store/channels.ts'
import { PENDING_STATES, queueOf, readWindow } from './window.ts'
import { readQueuedBy, type QueuedBy } from '../store/commands/queued-by.ts'
import { PAYLOAD_AT_END, pruneResults } from './history.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import { readPushNote, type Channel, type PushNote } from '../store/state.ts'

/** A command's id says where it is: `{enrollment id}.{n}`, with n counting the channel's commands. */
export function commandId(context: Context, channel: Channel, n: number): string {
  return `${enrollmentId(context.name, channel.user)}.${n}`
}

/** A command as an id names it; the enrolment may be a bare UserID that has an owner by now. */
export interface CommandRef {
  readonly enrollment: string
  readonly n: number
}

/** A command without its bodies. Times are milliseconds; 0 stands for never. */
export interface CommandView {
  readonly id: string
  readonly uuid: string
  readonly requestType: string
  /** One that is queued and may not go out before its time is `held` too. */
  readonly state: CommandState
  /** Why an admin, or the end of a contest, has to let it go; empty otherwise. */
  readonly heldFor: HeldFor | ''
  readonly queuedAt: number
  readonly notBefore: number
  readonly expiresAt: number
  /** The last push since it was queued. */
  readonly push: PushNote | undefined
  readonly handOuts: number
  readonly firstHandedOutAt: number
  readonly handedOutAt: number
  readonly notNows: number
  readonly notNowSince: number
  readonly notNowAt: number
  readonly answeredAt: number
  readonly endedAt: number
  readonly queuedBy: QueuedBy | undefined
}

export type CommandAnswer =
  | {
      readonly kind: 'command'
      readonly row: number
      readonly pending: boolean
      readonly view: CommandView
      /** Whether its secrets are shown for a reason alone. */
      readonly secret: boolean
      /** For the device; undefined once it has done its work. */
      readonly payload: Uint8Array | undefined
      /** What the device answered, as long as results are kept. */
      readonly result: Uint8Array | undefined
    }
  | { readonly kind: 'unknown' }

export interface CommandFilter {
  /** Only commands queued before the one of this number; undefined begins with the newest. */
  readonly before: number | undefined
  readonly limit: number
  /** None means all. */
  readonly states: readonly string[]
  readonly requestType: string | undefined
}

export type CommandList =
  | {
      readonly kind: 'list'
      readonly commands: readonly CommandView[]
      /** `before` of the next page. */
      readonly next: number | undefined
    }
  | { readonly kind: 'unknown' }

export type Cancelled =
  | { readonly kind: 'cancelled' }
  /** It has come to an end already, in this state. */
  | { readonly kind: 'ended'; readonly state: string }
  | { readonly kind: 'unknown' }

const HELD = "state = 'queued' AND not_before > ?"
const COLUMNS = `id, uuid, request_type AS requestType, state, held_for AS heldFor, queued_at AS queuedAt, not_before AS notBefore,
  expires_at AS expiresAt, push, hand_outs AS handOuts, first_handed_out_at AS firstHandedOutAt,
  handed_out_at AS handedOutAt, not_nows AS notNows, not_now_since AS notNowSince, not_now_at AS notNowAt,
  answered_at AS answeredAt, ended_at AS endedAt, queued_by AS queuedBy`

type Stored = Omit<CommandView, 'id' | 'state' | 'push' | 'queuedBy'> & {
  readonly id: number
  readonly state: CommandState
  readonly push: string
  readonly queuedBy: string
}

export function viewCommand(context: Context, user: string, ref: CommandRef): CommandAnswer {
  const found = findCommand(context, user, ref)
  if (!found) {
    return { kind: 'unknown' }
  }
  const { channel, row } = found
  const [stored] = context.db.all<
    Stored & { secret: number; payload: Blob; result: Blob; pending: number }
  >(
    `SELECT ${COLUMNS}, secret, payload, result, state IN ${PENDING_STATES} AS pending FROM commands WHERE id = ?`,
    row,
  )
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

/** A channel's commands, newest first: what waits, and what history keeps. */
export function listCommands(context: Context, user: string, filter: CommandFilter): CommandList {
  const channel = recalledChannel(context, user)
  if (!channel) {
    return { kind: 'unknown' }
  }
  queueOf(context, channel)
  const base = channel.id * CHANNEL_SPAN
  const rows = context.db.all<Stored>(
    `SELECT ${COLUMNS} FROM commands WHERE id BETWEEN ? AND ?
      AND (? = '[]' OR iif(${HELD}, 'held', state) IN (SELECT value FROM json_each(?)))
      AND (? = '' OR request_type = ?) ORDER BY id DESC LIMIT ?`,
    base,
    base + (filter.before ?? CHANNEL_SPAN) - 1,
    JSON.stringify(filter.states),
    context.now,
    JSON.stringify(filter.states),
    filter.requestType ?? '',
    filter.requestType ?? '',
    filter.limit + 1,
  )
  const page = rows.slice(0, filter.limit)
  const last = rows.length > filter.limit ? page.at(-1) : undefined
  return {
    kind: 'list',
    commands: page.map((row) => asView(context, channel, row)),
    next: last && last.id - base,
  }
}

/** Takes one command out of the queue; if the device has it already, it may carry it out all the same. */
export function cancelCommand(context: Context, user: string, ref: CommandRef): Cancelled {
  const answer = viewCommand(context, user, ref)
  const channel = recalledChannel(context, answer.kind === 'command' ? user : '')
  if (answer.kind !== 'command' || !channel) {
    return answer.kind === 'command' ? { kind: 'unknown' } : answer
  }
  if (!answer.pending) {
    return { kind: 'ended', state: answer.view.state }
  }
  context.db.run(
    `UPDATE commands SET state = 'cancelled', ended_at = ?, payload = ${PAYLOAD_AT_END} WHERE id = ?`,
    context.now,
    answer.row,
  )
  dropParts(context.db, 'payload', answer.row)
  context.effects.finished.add(answer.row)
  const queue = queueOf(context, channel)
  readWindow(context, channel, queue)
  pruneResults(context, channel, queue, 1)
  return { kind: 'cancelled' }
}

/** The `source` of a command that another object has taken over. */
export const MOVED = 'moved'

/** Whether a command is kept here that an id names, and was not moved to another object. */
export function isHere(context: Context, user: string, ref: CommandRef): boolean {
  const found = findCommand(context, user, ref)
  return (
    found !== undefined &&
    context.db.all('SELECT 1 FROM commands WHERE id = ? AND source <> ?', found.row, MOVED).length >
      0
  )
}

/** The channel and the row of a command that an id names. */
export function findCommand(
  context: Context,
  user: string,
  { enrollment, n }: CommandRef,
): { channel: Channel; row: number } | undefined {
  const channel = recalledChannel(context, user)
  if (!channel) {
    return undefined
  }
  // What has expired by now is to be seen as expired.
  queueOf(context, channel)
  if (enrollment === enrollmentId(context.name, user)) {
    return { channel, row: channel.id * CHANNEL_SPAN + n }
  }
  const [handedOver] = context.db.all<{ id: number }>(
    'SELECT id FROM commands WHERE source = ?',
    `${enrollment}.${n}`,
  )
  return handedOver && { channel, row: handedOver.id }
}

/** The id of a command by its row, be it gone or not. */
export function idOfRow(context: Context, row: number): string {
  const channel = channelAt(context, Math.floor(row / CHANNEL_SPAN))
  return channel ? commandId(context, channel, row % CHANNEL_SPAN) : ''
}

/** Commands of any channel by their rows, without those that are gone. */
export function viewRows(context: Context, rows: readonly number[]): Map<number, CommandView> {
  const stored = context.db.all<Stored>(
    `SELECT ${COLUMNS} FROM commands WHERE id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(rows),
  )
  return new Map(
    stored.flatMap((row) => {
      const channel = channelAt(context, Math.floor(row.id / CHANNEL_SPAN))
      return channel ? [[row.id, asView(context, channel, row)]] : []
    }),
  )
}

function asView(context: Context, channel: Channel, stored: Stored): CommandView {
  const { id, push, state, queuedBy, ...rest } = stored
  const pushed = channel.push && channel.push.at >= rest.queuedAt ? channel.push : undefined
  return {
    ...rest,
    id: commandId(context, channel, id - channel.id * CHANNEL_SPAN),
    state: state === 'queued' && rest.notBefore > context.now ? 'held' : state,
    queuedBy: readQueuedBy(queuedBy),
    push: rest.endedAt === 0 ? newest(readPushNote(push), pushed) : readPushNote(push),
  }
}

/** A command takes along the note of its last hand-out, and is pushed again while it waits. */
function newest(one: PushNote | undefined, other: PushNote | undefined): PushNote | undefined {
  return one && other && one.at > other.at ? one : (other ?? one)
}

type Blob = ArrayBuffer | Uint8Array | null

function storedBody(
  context: Context,
  kind: BodyKind,
  row: number,
  inline: Blob,
  secret: boolean,
): Uint8Array | undefined {
  return inline === null && !hasParts(context.db, kind, row)
    ? undefined
    : loadBody(context, kind, row, inline, secret)
}
