/** Commands that an enrolment superseded which was not what it looked like: an admin has them go out after all. */
import { isDestructiveCommand } from '../../commands/table.ts'
import type { Context } from '../store/context.ts'
import { heldFor } from './held.ts'
import { queueOf } from './window.ts'
import { REQUEUE_SPAN } from './history.ts'
import { CHANNEL_SPAN } from '../store/schema.ts'
import { knownChannel, type Channel } from '../store/state.ts'

export type Requeued =
  | { readonly kind: 'requeued'; readonly requeued: number }
  | { readonly kind: 'unknown' }

/**
 * Queues what was superseded within {@link REQUEUE_SPAN} again, each under its own id, unless it has expired meanwhile: all of a
 * channel, or of the device and its users. It is as new: what is secret is held while the device is in doubt. What loses data is
 * held in any case, because it may have been carried out.
 */
export function requeue(context: Context, user: string): Requeued {
  const { db, state, now } = context
  const named = knownChannel(state, user)
  if (!named) {
    return { kind: 'unknown' }
  }
  let requeued = 0
  for (const channel of user === '' ? state.channels : [named]) {
    const base = channel.id * CHANNEL_SPAN
    const rows = db.all<{ id: number; requestType: string; secret: number }>(
      `SELECT id, request_type AS requestType, secret FROM commands
        WHERE id BETWEEN ? AND ? AND state = 'superseded' AND ended_at > ? AND NOT (expires_at BETWEEN 1 AND ?)`,
      base,
      base + CHANNEL_SPAN - 1,
      now - REQUEUE_SPAN,
      now,
    )
    for (const { id, requestType, secret } of rows) {
      const held = isDestructiveCommand(requestType)
        ? 'review'
        : heldFor(context, { secret: secret === 1, requestType })
      db.run(
        `UPDATE commands SET state = ?, held_for = ?, ended_at = 0, rounds = 0, handed_out_at = 0 WHERE id = ?`,
        held ? 'held' : 'queued',
        held ?? '',
        id,
      )
    }
    requeued += rows.length
    readAgain(context, channel)
  }
  return { kind: 'requeued', requeued }
}

function readAgain(context: Context, channel: Channel): void {
  context.state.queues.delete(channel.id)
  if (queueOf(context, channel).pending.length > 0 && channel.token !== null) {
    context.effects.push.add(channel.id)
  }
}
