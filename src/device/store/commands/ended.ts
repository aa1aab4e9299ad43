/** The statements that end a command, keep its result, and delete history. */
import { LASTING } from '../../../commands/request-types.ts'
import type { CommandState } from '../../../mdm/queue.ts'
import { liesInParts } from '../../../storage/bodies.ts'
import { column, type Db } from '../../../storage/db.ts'
import type { Channel } from '../channel-row.ts'
import { rangeOf } from './ids.ts'
import type { BodyRow } from './pending.ts'
import { ENDED, jobMayLookFor, PENDING } from './states.ts'

/**
 * The newest answer of each of these types is the inventory of the device: no bound on history deletes it.
 */
export const INVENTORY = [
  'DeviceInformation',
  'SecurityInfo',
  'ProfileList',
  'InstalledApplicationList',
] as const

export type InventoryType = (typeof INVENTORY)[number]

export const LASTING_LIST = `('${LASTING.join("', '")}')`
/** No bound on history deletes the newest of these: a PIN or password counts until another one is set. */
const KEPT_LIST = `('${[...INVENTORY, ...LASTING].join("', '")}')`
const DAY = 86_400_000
/** How long lasting payloads stay, and how many of each type, independent of KEEP_RESULTS. */
const LASTING_SPAN = 30 * DAY
const LASTING_COUNT = 20
/**
 * How long a superseded command can be restored. It stays complete until then, independent of KEEP_RESULTS.
 */
export const RESTORE_SPAN = 7 * DAY

/** The payload of a command without secrets stays up to this length, so that it can be queued again. */
export const MAX_REPEATABLE = 16_384

/**
 * The payload of a command that ends. The device may have carried out a command that it was given, answered
 * or not: an admin must find the PIN that locks the device. A short payload without secrets stays as long as
 * its row. `parts` of a long payload are deleted.
 */
const PAYLOAD_AT_END = `iif(handed_out_at > 0 AND request_type IN ${LASTING_LIST}
  OR secret = 0 AND length(payload) <= ${MAX_REPEATABLE}, payload, NULL)`

export interface Result {
  readonly state: CommandState
  readonly hash: string
  /** The part of the result that the row keeps. */
  readonly body: Uint8Array | null
  /** When the last push of the channel was answered (milliseconds), and that answer. */
  readonly pushedAt: number
  readonly push: string
}

/** Writes the end of a command and its result into the command's row. */
export function saveResult(db: Db, id: number, now: number, result: Result): void {
  db.run(
    `UPDATE commands SET state = ?, answered_at = ?, ended_at = iif(ended_at = 0, ?, ended_at),
      result_hash = ?, payload = ${PAYLOAD_AT_END}, result = ?,
      push = iif(push = '' AND queued_at <= ?, ?, push) WHERE id = ?`,
    result.state,
    now,
    now,
    result.hash,
    result.body,
    result.pushedAt,
    result.push,
    id,
  )
}

export function endRow(db: Db, id: number, state: 'cancelled' | 'expired', now: number): void {
  db.run(
    `UPDATE commands SET state = ?, ended_at = ?, payload = ${PAYLOAD_AT_END} WHERE id = ?`,
    state,
    now,
    id,
  )
}

/** Its payload stays, because the command may be restored. */
export function supersedeRow(db: Db, id: number, now: number): void {
  db.run(
    `UPDATE commands SET state = 'superseded', ended_at = ?, held_for = '' WHERE id = ?`,
    now,
    id,
  )
}

export function deleteRow(db: Db, id: number): void {
  db.run('DELETE FROM commands WHERE id = ?', id)
}

export function deleteRowsOf(db: Db, channel: Pick<Channel, 'id'>): void {
  db.run('DELETE FROM commands WHERE id BETWEEN ? AND ?', ...rangeOf(channel))
}

/** The pending commands of a channel that end. */
export interface Ending {
  readonly queuedUntil?: number
  readonly numbers?: readonly number[]
  /** Whether held commands end too. */
  readonly held: boolean
}

/** `needed`: the device was given the command, or a job may look for it. */
export function endingRows(
  db: Db,
  channel: Channel,
  { queuedUntil = Infinity, numbers, held }: Ending,
  jobsFrom: number,
): (BodyRow & { readonly needed: number })[] {
  const listed = numbers ? JSON.stringify(numbers) : null
  const [first] = rangeOf(channel)
  return db.all(
    `SELECT id, handed_out_at > 0 OR ${jobMayLookFor('?')} AS needed, payload IS NULL AS big FROM commands
      WHERE id BETWEEN ? AND ? AND state IN ${PENDING} AND queued_at <= ?
      AND NOT (? AND state = 'held') AND (? IS NULL OR id IN (SELECT ? + value FROM json_each(?)))
      ORDER BY id`,
    jobsFrom,
    ...rangeOf(channel),
    Math.min(queuedUntil, Number.MAX_SAFE_INTEGER),
    Number(!held),
    listed,
    first,
    listed,
  )
}

/** A channel's superseded commands that can be restored and have not expired. */
export function restorableRows(
  db: Db,
  channel: Channel,
  now: number,
): { id: number; requestType: string; secret: number }[] {
  return db.all(
    `SELECT id, request_type AS requestType, secret FROM commands WHERE id BETWEEN ? AND ?
      AND state = 'superseded' AND ended_at > ? AND NOT (expires_at BETWEEN 1 AND ?)`,
    ...rangeOf(channel),
    now - RESTORE_SPAN,
    now,
  )
}

/** A superseded command waits again, as if it were new. */
export function restoreRow(db: Db, id: number, heldFor: string | undefined): void {
  db.run(
    `UPDATE commands SET state = ?, held_for = ?, ended_at = 0, rounds = 0, handed_out_at = 0 WHERE id = ?`,
    heldFor ? 'held' : 'queued',
    heldFor ?? '',
    id,
  )
}

/** Ended commands of a channel with a CommandUUID, that no enrolment but this one was given; newest first. */
export function endedRows(
  db: Db,
  channel: Channel,
  { uuid, epoch }: { readonly uuid: string; readonly epoch: number },
): { id: number; state: CommandState; requestType: string; resultHash: string; secret: number }[] {
  return db.all(
    `SELECT id, state, request_type AS requestType, result_hash AS resultHash, secret FROM commands
      WHERE id BETWEEN ? AND ? AND uuid = ? AND handed_out_at > 0 AND handed_epoch IN (0, ?)
      AND state NOT IN ${PENDING} ORDER BY id DESC`,
    ...rangeOf(channel),
    uuid,
    epoch,
  )
}

const CANDIDATE = `id BETWEEN ?1 AND ?2 AND state IN ${ENDED} AND NOT ${jobMayLookFor('?3')}
  AND NOT (state = 'superseded' AND ended_at > ?7)`
const NOT_KEPT = `NOT (request_type IN ${KEPT_LIST} AND state = 'acknowledged' AND NOT EXISTS (
  SELECT 1 FROM commands AS newer WHERE newer.id > old.id AND newer.id <= ?4
  AND newer.request_type = old.request_type AND newer.state = 'acknowledged'))`
const NOT_LASTING = `NOT (lasting AND ended_at > ?6 AND ${LASTING_COUNT} > (
  SELECT count(*) FROM commands AS newer WHERE newer.id > old.id AND newer.id <= ?4
  AND newer.request_type = old.request_type AND newer.ended_at > 0 AND newer.payload IS NOT NULL))`
const COLUMNS = `id, state, request_type, ended_at, result IS NULL AS big,
  payload IS NOT NULL AND request_type IN ${LASTING_LIST} AS lasting`
const ALL_BUT_LATEST = `SELECT id, big FROM (SELECT ${COLUMNS} FROM commands WHERE ${CANDIDATE}) AS old
  WHERE EXISTS (SELECT 1 FROM commands AS newer WHERE newer.id > old.id AND newer.id <= ?4
  AND newer.request_type = old.request_type AND newer.answered_at > 0)
  AND ${NOT_KEPT} AND ${NOT_LASTING} LIMIT ?5`
const ALL_BUT_NEWEST = `SELECT id, big FROM (SELECT ${COLUMNS},
  row_number() OVER (ORDER BY id DESC) AS place FROM commands WHERE ${CANDIDATE}) AS old
  WHERE (place > ?8 OR (ended_at > 0 AND ended_at < ?9)) AND ${NOT_KEPT} AND ${NOT_LASTING} LIMIT ?5`

export interface Bound {
  /** The oldest command that waits: later rows are not read. */
  readonly before: number
  readonly now: number
  readonly jobsFrom: number
  readonly most: number
  /** The newest of each type stay; or `count` of them, if they ended after `endedFrom`. */
  readonly keep: 'latest' | { readonly count: number; readonly endedFrom: number }
}

/** Ended commands of a channel that history keeps no longer. `big`: their result may lie in `parts`. */
export function surplusRows(
  db: Db,
  channel: Channel,
  { before, now, jobsFrom, most, keep }: Bound,
): BodyRow[] {
  const [first] = rangeOf(channel)
  const range = [first, before - 1, jobsFrom, before, most, now - LASTING_SPAN, now - RESTORE_SPAN]
  return keep === 'latest'
    ? db.all(ALL_BUT_LATEST, ...range)
    : db.all(ALL_BUT_NEWEST, ...range, keep.count, keep.endedFrom)
}

/** The first row of a channel. */
export function oldestRow(
  db: Db,
  channel: Channel,
): { readonly id: number; readonly queuedAt: number } | undefined {
  return db.all<{ id: number; queuedAt: number }>(
    'SELECT id, queued_at AS queuedAt FROM commands WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1',
    ...rangeOf(channel),
  )[0]
}

/** Superseded commands of a channel that can be restored no longer, and still have a payload. */
export function unrestorableRows(db: Db, channel: Channel, now: number): BodyRow[] {
  return db.all(
    `SELECT id, payload IS NULL AS big FROM commands WHERE id BETWEEN ? AND ? AND state = 'superseded'
      AND ended_at <= ? AND NOT (handed_out_at > 0 AND request_type IN ${LASTING_LIST})
      AND (payload IS NOT NULL OR ${liesInParts('payload', 'commands.id')})`,
    ...rangeOf(channel),
    now - RESTORE_SPAN,
  )
}

export function dropPayload(db: Db, id: number): void {
  db.run('UPDATE commands SET payload = NULL WHERE id = ?', id)
}

/** Rows with a result, the oldest first. */
export function rowsWithResult(db: Db): number[] {
  return column(
    db,
    `SELECT id FROM commands WHERE result IS NOT NULL OR ${liesInParts('result', 'commands.id')}
      ORDER BY answered_at`,
  )
}

export function dropResult(db: Db, id: number): void {
  db.run('UPDATE commands SET result = NULL WHERE id = ?', id)
}
