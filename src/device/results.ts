import type { Report } from '../mdm/message.ts'
import type { CommandState } from '../mdm/queue.ts'
import { dropParts, storeBody } from './bodies.ts'
import type { Context } from './context.ts'
import { CHANNEL_SPAN } from './schema.ts'
import type { Channel, Queue } from './state.ts'

const FINISHED = "('acknowledged', 'error', 'format_error', 'cancelled', 'superseded')"

export interface Answer {
  readonly state: CommandState
  readonly report: Report
  readonly result: Uint8Array
  readonly secret: boolean
}

/** Writes a command's end and its result into the command's own row; the payload has done its work. */
export function keepResult(context: Context, id: number, answer: Answer): void {
  const { db, settings } = context
  const keep = settings.keepResults.kind !== 'none'
  db.run(
    `UPDATE commands SET state = ?, answered_at = ?, result_hash = ?, payload = NULL, result = ? WHERE id = ?`,
    answer.state,
    context.now,
    context.hash(answer.result),
    keep ? storeBody(context, 'result', id, answer.result, answer.secret) : null,
    id,
  )
  dropParts(db, 'payload', id)
}

/**
 * Keeps a channel's history within its bound, one report at a time: history never grows without limit, and
 * no report pays for more than a few rows. The newest row always stays, for its number, and one that is
 * finished, because a repeated report is known by its hash.
 */
export function pruneResults(context: Context, channel: Channel, queue: Queue): void {
  const { db, settings } = context
  const base = channel.id * CHANNEL_SPAN
  const { kind, count, ms } = settings.keepResults
  const range = `id BETWEEN ? AND ? AND state IN ${FINISHED}`
  const last = queue.lastId - 1
  const surplus =
    kind === 'latest'
      ? db.all<{ id: number }>(
          `SELECT id FROM commands AS old WHERE ${range} AND EXISTS (SELECT 1 FROM commands AS newer
            WHERE newer.id > old.id AND newer.id <= ? AND newer.request_type = old.request_type
            AND newer.answered_at > 0) LIMIT 4`,
          base,
          last,
          queue.lastId,
        )
      : db.all<{ id: number }>(
          `SELECT id FROM (SELECT id, answered_at, row_number() OVER (ORDER BY id DESC) AS place
            FROM commands WHERE ${range}) WHERE place > ? OR (answered_at > 0 AND answered_at < ?) LIMIT 4`,
          base,
          last,
          Math.max(count, 1),
          kind === 'none' ? 0 : context.now - ms,
        )
  for (const { id } of surplus) {
    db.run('DELETE FROM commands WHERE id = ?', id)
    dropParts(db, 'result', id)
  }
}
