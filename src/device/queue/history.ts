import { LASTING } from '../../commands/table.ts'
import type { CommandState } from '../../mdm/queue.ts'
import { dropParts, storeBody } from '../../storage/bodies.ts'
import type { Context } from '../store/context.ts'
import { commandAnswered } from '../store/commands/log.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import type { Channel, PushNote, Queue } from '../store/state.ts'

/** A job that died may repeat a batch as soon as it lives again: until then it has to find what it queued. */
const JOB_SPAN = 86_400_000

/** A condition on rows that a job may still look for; its parameter is {@link soughtSince}. Nothing but time takes them away. */
export function soughtByJob(parameter: string): string {
  return `(source GLOB 'job/*' AND queued_at >= ${parameter})`
}

export function soughtSince({ now }: Context): number {
  return now - JOB_SPAN
}

const FINISHED = "('acknowledged', 'error', 'format_error', 'cancelled', 'expired', 'superseded')"

/** Their newest answer is the device's inventory, and outlives every bound on history. */
export const INVENTORY = [
  'DeviceInformation',
  'SecurityInfo',
  'ProfileList',
  'InstalledApplicationList',
] as const

export type InventoryType = (typeof INVENTORY)[number]

const INVENTORY_LIST = `('${INVENTORY.join("', '")}')`

const LASTING_LIST = `('${LASTING.join("', '")}')`
/** So long, and so many of each type, lasting payloads stay whatever KEEP_RESULTS says. */
const LASTING_SPAN = 30 * 86_400_000
const LASTING_COUNT = 20

/**
 * What becomes of a payload as its command comes to an end. A device that was given it may have carried it out, answered or not:
 * the PIN that locks it is to be found. One longer than a row goes with its parts.
 */
export const PAYLOAD_AT_END = `iif(handed_out_at > 0 AND request_type IN ${LASTING_LIST}, payload, NULL)`

/** So long a superseded command stays whole, whatever KEEP_RESULTS says: it may be queued again. */
export const REQUEUE_SPAN = 7 * 86_400_000

interface Answered {
  readonly id: number
  /** Whether its payload rests in `parts`. */
  readonly big: boolean
  readonly requestType: string
  readonly secret: boolean
  readonly queuedAt?: number
}

/** Writes a command's end and its result into the command's own row. */
export function keepResult(
  context: Context,
  command: Answered,
  answer: {
    readonly state: CommandState
    readonly result: Uint8Array
    /** The channel's last: it may have been answered after the device had come. */
    readonly push: PushNote | undefined
  },
): void {
  const { db, now, settings } = context
  const { id, requestType, secret, big } = command
  const inventory = answer.state === 'acknowledged' && isInventory(requestType)
  const keep = settings.keepResults.kind !== 'none' || inventory
  db.run(
    `UPDATE commands SET state = ?, answered_at = ?, ended_at = iif(ended_at = 0, ?, ended_at), result_hash = ?,
      payload = ${PAYLOAD_AT_END}, result = ?, push = iif(push = '' AND queued_at <= ?, ?, push) WHERE id = ?`,
    answer.state,
    now,
    now,
    context.hash(answer.result),
    keep ? storeBody(context, 'result', id, answer.result, secret) : null,
    answer.push?.at ?? 0,
    answer.push ? JSON.stringify(answer.push) : '',
    id,
  )
  if (big) {
    dropParts(db, 'payload', id)
  }
  context.effects.finished.add(id)
  commandAnswered(context, command, answer)
}

/** How many rows may come before it is looked which are too many: a tenth of those that are kept, and never many. */
export function pace(count: number): number {
  return Math.min(Math.max(1, Math.floor(count / 10)), 50)
}

/**
 * Keeps a channel's history within its bound and a tenth of it: it is looked at with each tenth command, once when that is
 * queued and once when it is answered, because some never are. The newest row always stays, for its number, and one that is
 * finished, because a repeated report is known by its hash; and so do the inventory and what is lasting. Nobody looks beyond the oldest
 * command that waits: what has ended lies before it, however long the queue.
 */
export function pruneInTime(context: Context, channel: Channel, queue: Queue, id: number): void {
  const { kind, count } = context.settings.keepResults
  const every = kind === 'bounded' ? pace(count) : 1
  if (id % every === 0) {
    pruneResults(context, channel, queue, 2 * every + 2)
  }
}

/** The same for an answer; the first after an eviction looks in any case, because results are kept no longer than told. */
export function pruneAfterAnswer(
  context: Context,
  channel: Channel,
  queue: Queue,
  id: number,
): void {
  pruneInTime(context, channel, queue, queue.pruned ? id : 0)
  queue.pruned = true
}

const ENDED = `id BETWEEN ?1 AND ?2 AND state IN ${FINISHED} AND NOT ${soughtByJob('?3')}
  AND NOT (state = 'superseded' AND ended_at > ?7)`
const NO_INVENTORY = `NOT (request_type IN ${INVENTORY_LIST} AND state = 'acknowledged' AND NOT EXISTS (
  SELECT 1 FROM commands AS newer WHERE newer.id > old.id AND newer.id <= ?4
  AND newer.request_type = old.request_type AND newer.state = 'acknowledged'))`
const NOT_LASTING = `NOT (lasting AND ended_at > ?6 AND ${LASTING_COUNT} > (
  SELECT count(*) FROM commands AS newer WHERE newer.id > old.id AND newer.id <= ?4
  AND newer.request_type = old.request_type AND newer.ended_at > 0 AND newer.payload IS NOT NULL))`
const COLUMNS =
  'id, state, request_type, ended_at, result IS NULL AS big, payload IS NOT NULL AS lasting'
const ALL_BUT_LATEST = `SELECT id, big FROM (SELECT ${COLUMNS} FROM commands WHERE ${ENDED}) AS old WHERE EXISTS (
  SELECT 1 FROM commands AS newer WHERE newer.id > old.id AND newer.id <= ?4
  AND newer.request_type = old.request_type AND newer.answered_at > 0) AND ${NO_INVENTORY} AND ${NOT_LASTING} LIMIT ?5`
const ALL_BUT_NEWEST = `SELECT id, big FROM (SELECT ${COLUMNS},
  row_number() OVER (ORDER BY id DESC) AS place FROM commands WHERE ${ENDED}) AS old
  WHERE (place > ?8 OR (ended_at > 0 AND ended_at < ?9)) AND ${NO_INVENTORY} AND ${NOT_LASTING} LIMIT ?5`

/** Deletes of a channel's history what is too much, at most so many rows. */
export function pruneResults(context: Context, channel: Channel, queue: Queue, most: number): void {
  const { db, settings, now } = context
  const base = channel.id * CHANNEL_SPAN
  const { kind, count, ms } = settings.keepResults
  const waiting = queue.pending.find(({ handedOutAt }) => handedOutAt === 0)?.id ?? queue.lastId
  forgetSuperseded(context, base)
  const range = [
    base,
    waiting - 1,
    soughtSince(context),
    waiting,
    most,
    now - LASTING_SPAN,
    now - REQUEUE_SPAN,
  ]
  const surplus =
    kind === 'latest'
      ? db.all<{ id: number; big: number }>(ALL_BUT_LATEST, ...range)
      : db.all<{ id: number; big: number }>(
          ALL_BUT_NEWEST,
          ...range,
          Math.max(count, 1),
          kind === 'none' ? 0 : now - ms,
        )
  for (const { id, big } of surplus) {
    db.run('DELETE FROM commands WHERE id = ?', id)
    if (big) {
      dropParts(db, 'result', id)
    }
  }
}

/** Takes their payloads from superseded commands that can be queued again no more. */
function forgetSuperseded({ db, now }: Context, base: number): void {
  const rows = db.all<{ id: number; inline: number }>(
    `SELECT id, payload IS NOT NULL AS inline FROM commands AS old WHERE id BETWEEN ? AND ? AND state = 'superseded'
      AND ended_at <= ? AND NOT (handed_out_at > 0 AND request_type IN ${LASTING_LIST})
      AND (payload IS NOT NULL OR EXISTS (SELECT 1 FROM parts WHERE body = 'payload' AND ref = old.id))`,
    base,
    base + CHANNEL_SPAN - 1,
    now - REQUEUE_SPAN,
  )
  for (const { id, inline } of rows) {
    if (inline) {
      db.run('UPDATE commands SET payload = NULL WHERE id = ?', id)
    } else {
      dropParts(db, 'payload', id)
    }
  }
}

function isInventory(requestType: string): boolean {
  return INVENTORY.some((type) => type === requestType)
}
