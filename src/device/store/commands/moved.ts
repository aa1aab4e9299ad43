/** The statement on commands that came from another server. */
import type { Db } from '../../../storage/db.ts'
import type { Channel } from '../channel-row.ts'
import { rangeOf } from './ids.ts'
import { MOVED_SOURCE } from './new-command.ts'

/** Those of a channel, ended ones included. */
export function movedRows(
  db: Db,
  channel: Channel,
): { readonly id: number; readonly uuid: string; readonly isHeld: number }[] {
  return db.all(
    `SELECT id, uuid, state = 'held' AS isHeld FROM commands
      WHERE id BETWEEN ? AND ? AND source = '${MOVED_SOURCE}'`,
    ...rangeOf(channel),
  )
}
