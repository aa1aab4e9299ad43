import { dropParts } from '../../storage/bodies.ts'
import type { Context } from '../store/context.ts'
import { pruneEvents } from '../outbox/cursors.ts'
import { deleteDeadLetters } from '../outbox/retries.ts'

/** As much as a device may fill of its object's storage, which ends at 10 GB and is paid for. */
const MOST_BYTES = 500_000_000
/** While its enrolment is contested. */
const MOST_UNPROVEN = 400_000_000
/** Results are deleted down to this, so that not each message has to make room. */
const ENOUGH_BYTES = 450_000_000

/**
 * Whether there is room for what a device sends. History makes room: passed events, dead letters, then the oldest results. What a
 * subscriber has yet to take is never deleted: the device waits until it was.
 */
export function hasRoom(context: Context): boolean {
  const { db, name, effects, state } = context
  // One without proof leaves some for the device, should that be another, and takes none of its results.
  const isUnproven = state.device.contest !== undefined
  const most = isUnproven ? MOST_UNPROVEN : MOST_BYTES
  if (db.size() <= most) {
    return true
  }
  effects.notes.push({ event: 'device:history-deleted', device: name, bytes: db.size() })
  deleteDeadLetters(db)
  while (pruneEvents(context, { count: 0, ms: 0 }) > 0) {
    // The next hundred.
  }
  if (db.size() > most && !isUnproven) {
    deleteResults(context)
  }
  return db.size() <= most
}

function deleteResults({ db }: Context): void {
  const results = db.all<{ id: number }>(
    `SELECT id FROM commands WHERE result IS NOT NULL OR id IN (SELECT ref FROM parts WHERE body = 'result')
      ORDER BY answered_at`,
  )
  for (const { id } of results) {
    if (db.size() <= ENOUGH_BYTES) {
      return
    }
    db.run('UPDATE commands SET result = NULL WHERE id = ?', id)
    dropParts(db, 'result', id)
  }
}
