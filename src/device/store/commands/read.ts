/** The statements that read commands for admins and clients. */
import type { CommandState } from '../../../mdm/queue.ts'
import { liesInParts, type InlineBody } from '../../../storage/bodies.ts'
import { column, type Db } from '../../../storage/db.ts'
import type { Channel } from '../channel-row.ts'
import { LASTING_LIST, MAX_REPEATABLE, type InventoryType } from './ended.ts'
import { channelIdSql, rangeOf, rangeWithUsers, rowOf } from './ids.ts'
import type { HeldFor } from './new-command.ts'
import { PENDING } from './states.ts'

/** A command without its bodies. Times are milliseconds; 0 means never. */
export interface CommandRow {
  readonly id: number
  readonly uuid: string
  readonly requestType: string
  readonly state: CommandState
  /** Why it is held; empty otherwise. */
  readonly heldFor: HeldFor | ''
  readonly queuedAt: number
  readonly notBefore: number
  readonly expiresAt: number
  /** The last push of the command (`PushNote`), as text. */
  readonly push: string
  readonly handOuts: number
  readonly firstHandedOutAt: number
  readonly handedOutAt: number
  readonly notNows: number
  readonly notNowSince: number
  readonly notNowAt: number
  readonly answeredAt: number
  readonly endedAt: number
  readonly queuedBy: string
  /** Its payload is kept when it has ended, for another command like it. */
  readonly repeatable: number
}

const COLUMNS = `id, uuid, request_type AS requestType, state, held_for AS heldFor, queued_at AS queuedAt,
  not_before AS notBefore, expires_at AS expiresAt, push, hand_outs AS handOuts,
  first_handed_out_at AS firstHandedOutAt, handed_out_at AS handedOutAt, not_nows AS notNows,
  not_now_since AS notNowSince, not_now_at AS notNowAt, answered_at AS answeredAt, ended_at AS endedAt,
  queued_by AS queuedBy, secret = 0 AND coalesce(length(payload), 1e9) <= ${MAX_REPEATABLE} AS repeatable`

export type CompleteRow = CommandRow & {
  readonly secret: number
  readonly payload: InlineBody
  readonly result: InlineBody
  readonly pending: number
}

export function readRow(db: Db, id: number): CompleteRow | undefined {
  return db.all<CompleteRow>(
    `SELECT ${COLUMNS}, secret, payload, result, state IN ${PENDING} AS pending FROM commands WHERE id = ?`,
    id,
  )[0]
}

/** The rows that are still there. */
export function readRows(db: Db, ids: readonly number[]): CommandRow[] {
  return db.all<CommandRow>(
    `SELECT ${COLUMNS} FROM commands WHERE id IN (SELECT value FROM json_each(?))`,
    JSON.stringify(ids),
  )
}

/** A channel's commands, newest first. A queued one that waits for its start time counts as held. */
export function listRows(
  db: Db,
  channel: Channel,
  filter: {
    readonly before: number | undefined
    readonly states: readonly string[]
    readonly requestType: string | undefined
    readonly limit: number
    readonly now: number
  },
): CommandRow[] {
  const [first, last] = rangeOf(channel)
  const states = JSON.stringify(filter.states)
  return db.all<CommandRow>(
    `SELECT ${COLUMNS} FROM commands WHERE id BETWEEN ? AND ?
      AND (? = '[]' OR iif(state = 'queued' AND not_before > ?, 'held', state)
        IN (SELECT value FROM json_each(?)))
      AND (? = '' OR instr(?, ',' || request_type || ',')) ORDER BY id DESC LIMIT ?`,
    first,
    filter.before === undefined ? last : rowOf(channel, filter.before) - 1,
    states,
    filter.now,
    states,
    filter.requestType ?? '',
    `,${filter.requestType ?? ''},`,
    filter.limit,
  )
}

/** The `source` of a command that another object has taken over. */
const MOVED = 'moved'

/** SQL: the sealed payloads and results that are in their own rows. */
export const SEALED_COMMANDS = ['payload', 'result']
  .map((body) => `SELECT ${body} AS sealed FROM commands WHERE secret AND ${body} IS NOT NULL`)
  .join(' UNION ALL ')

/** Whether a row is there whose command was not moved to another object. */
export function isStoredHere(db: Db, id: number): boolean {
  return db.all('SELECT 1 FROM commands WHERE id = ? AND source <> ?', id, MOVED).length > 0
}

/** Marks commands that another object has taken over. */
export function markMoved(db: Db, numbers: readonly number[]): void {
  db.run(
    'UPDATE commands SET source = ? WHERE id IN (SELECT value FROM json_each(?))',
    MOVED,
    JSON.stringify(numbers),
  )
}

/** The row of a command that this object took over under that source. */
export function rowFrom(db: Db, source: string): number | undefined {
  return db.all<{ id: number }>('SELECT id FROM commands WHERE source = ?', source)[0]?.id
}

/** Whether a channel has a command from a source. */
export function hasSource(db: Db, channel: Channel, source: string): boolean {
  const range = rangeOf(channel)
  return (
    db.all('SELECT 1 FROM commands WHERE id BETWEEN ? AND ? AND source = ?', ...range, source)
      .length > 0
  )
}

/**
 * The row of the channel's command from a source that was queued since then. Rows are in the order of
 * queueing, so the search ends at the first older row: history costs nothing, and no index is needed.
 */
export function rowFromSince(
  db: Db,
  channel: Channel,
  { source, since }: { readonly source: string; readonly since: number },
): number | undefined {
  const [first, last] = rangeOf(channel)
  const [older] = db.all<{ id: number }>(
    // A command of another server has the time of its queueing there.
    `SELECT id FROM commands WHERE id BETWEEN ? AND ? AND queued_at < ?
      AND source <> 'moved' ORDER BY id DESC LIMIT 1`,
    first,
    last,
    since,
  )
  const [found] = db.all<{ id: number }>(
    'SELECT id FROM commands WHERE id > ? AND id <= ? AND source = ? LIMIT 1',
    older?.id ?? first,
    last,
    source,
  )
  return found?.id
}

/** The channel's command that a request with this Idempotency-Key queued. */
export function commandOfRequest(
  db: Db,
  channel: Channel,
  requestKey: string,
): { readonly id: number; readonly requestHash: string } | undefined {
  return db.all<{ id: number; requestHash: string }>(
    `SELECT id, request_hash AS requestHash FROM commands WHERE id BETWEEN ? AND ? AND request_key = ?`,
    ...rangeOf(channel),
    requestKey,
  )[0]
}

/** Lasting commands of a channel that still have a payload or an answer, newest first. */
export function secretRows(db: Db, channel: Channel, limit: number): number[] {
  return column(
    db,
    `SELECT id FROM commands WHERE id BETWEEN ? AND ? AND secret AND request_type IN ${LASTING_LIST}
      AND (payload IS NOT NULL OR result IS NOT NULL) ORDER BY id DESC LIMIT ?`,
    ...rangeOf(channel),
    limit,
  )
}

/** The newest acknowledged answers of a type on a channel whose results are kept. */
export function newestAnswers(
  db: Db,
  channel: Channel,
  { type, limit }: { readonly type: InventoryType; readonly limit: number },
): { id: number; at: number; secret: number; result: InlineBody }[] {
  return db.all(
    `SELECT id, answered_at AS at, secret, result FROM commands
      WHERE id BETWEEN ? AND ? AND request_type = ? AND state = 'acknowledged'
      AND (result IS NOT NULL OR ${liesInParts('result', 'commands.id')})
      ORDER BY id DESC LIMIT ?`,
    ...rangeOf(channel),
    type,
    limit,
  )
}

/** The moments of a command that the timeline shows, and the SQL of each; 0 if it has not come. */
const MOMENTS = {
  queued: 'queued_at',
  not_now: 'not_now_since',
  answered: 'answered_at',
  // An answer ends its command: one moment.
  ended: 'iif(ended_at = answered_at, 0, ended_at)',
  handed_out: 'first_handed_out_at',
} as const

export type CommandMoment = keyof typeof MOMENTS

/** SQL: the time of a moment in the life of each command of a channel, or of a device and its users. */
export function selectMoment(channel: Channel, moment: CommandMoment, rank: number): string {
  return `SELECT ${MOMENTS[moment]} AS at, ${rank} AS rank, id AS n, '' AS note ${rowsWithUsers(channel)}`
}

/** SQL: the answers of APNs that the rows of these commands have. */
export function selectPushes(channel: Channel, rank: number): string {
  return `SELECT DISTINCT push ->> 'at' AS at, ${rank} AS rank, ${channelIdSql('id')} AS n, push AS note
    ${rowsWithUsers(channel)} AND push <> ''`
}

function rowsWithUsers(channel: Channel): string {
  const [first, last] = rangeWithUsers(channel)
  return `FROM commands WHERE id BETWEEN ${first} AND ${last}`
}
