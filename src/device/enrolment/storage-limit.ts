import { dropParts } from '../../storage/bodies.ts'
import type { Context } from '../store/context.ts'
import { dropResult, rowsWithResult } from '../store/commands/ended.ts'
import { pruneEvents } from '../outbox/cursors.ts'
import { deleteDeadLetters } from '../outbox/retries.ts'
import type { DeviceInput } from './message.ts'

/** The storage that a device may fill. An object's storage ends at 10 GB, and is paid for. */
const MOST_BYTES = 500_000_000
/** The same while its enrolment is contested. */
const MOST_UNPROVEN = 400_000_000
/** Results are deleted until this much is left. Otherwise every message would have to make room. */
const ENOUGH_BYTES = 450_000_000

/** The storage is measured again when messages may have stored so much: a measurement is two queries. */
const MEASURED_EVERY = 1_000_000
/** A message is stored twice at most, as a result and as an event, each with some facts. */
const COPIES = 2
const FACTS = 2000

/**
 * The same, without a measurement as long as the messages since the last one were small. A status report is
 * stored beside its message.
 */
export function hasRoomFor(
  context: Context,
  { body, declares }: Pick<DeviceInput, 'body' | 'declares'>,
): boolean {
  const { state } = context
  const bytes = body.length + (declares?.report?.bytes ?? 0)
  if (bytes === 0) {
    return true
  }
  state.unmeasured += COPIES * (bytes + FACTS)
  if (state.unmeasured < MEASURED_EVERY) {
    return true
  }
  const isRoom = hasRoom(context)
  state.unmeasured = isRoom ? 0 : Infinity
  return isRoom
}

/**
 * Whether there is room for a message. To make room, it deletes dead letters first, then events that all
 * subscribers have passed, then the oldest results. It never deletes events that a subscriber has not
 * received: then the device has to wait.
 */
function hasRoom(context: Context): boolean {
  const { db, name, effects, state } = context
  // An unproven enrolment may not be the device: it leaves room for the device, and deletes no results.
  const isUnproven = state.device.contest !== undefined
  const most = isUnproven ? MOST_UNPROVEN : MOST_BYTES
  if (db.size() <= most) {
    return true
  }
  effects.notes.push({ event: 'device:history-deleted', device: name, bytes: db.size() })
  deleteDeadLetters(db)
  while (pruneEvents(context, { count: 0, ms: 0 }) > 0) {
    // Each call deletes up to a hundred.
  }
  if (db.size() > most && !isUnproven) {
    deleteResults(context)
  }
  return db.size() <= most
}

function deleteResults({ db }: Context): void {
  for (const id of rowsWithResult(db)) {
    if (db.size() <= ENOUGH_BYTES) {
      return
    }
    dropResult(db, id)
    dropParts(db, 'result', id)
  }
}
