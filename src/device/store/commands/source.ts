/** The statements on commands that the server itself queued, by their source. */
import type { Db } from '../../../storage/db.ts'
import type { Channel } from '../channel-row.ts'
import { rangeOf } from './ids.ts'

/** A command of a source that the device does not have now: its payload may still change. */
export function pendingOfSource(
  db: Db,
  channel: Channel,
  source: string,
  also: readonly string[] = [],
): { readonly id: number; readonly uuid: string } | undefined {
  return db.all<{ id: number; uuid: string }>(
    `SELECT id, uuid FROM commands WHERE id BETWEEN ? AND ? AND source = ?
      AND state IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT 1`,
    ...rangeOf(channel),
    source,
    JSON.stringify(['queued', 'not_now', ...also]),
  )[0]
}

/** Replaces the short, open payload of a pending command. */
export function changePayload(db: Db, id: number, payload: Uint8Array): void {
  db.run('UPDATE commands SET payload = ? WHERE id = ?', payload, id)
}
