import { isDestructiveCommand } from '../../commands/request-types.ts'
import type { Channel } from '../store/channel-row.ts'
import { restorableRows, restoreRow } from '../store/commands/ended.ts'
import type { Context } from '../store/context.ts'
import { saveDevice } from '../store/rows/save.ts'
import { heldFor } from './held.ts'
import { queueOf } from './window.ts'

/**
 * Restores commands that an enrolment superseded by mistake, up to a week later: all of a channel, or of the
 * device and its users. Each keeps its id and counts as new: a secret command is held while the enrolment is
 * in doubt. A destructive command is always held, because the device may have carried it out.
 */
export function restoreSuperseded(context: Context, named: Channel) {
  const { db, state, now } = context
  let requeued = 0
  for (const channel of named.user === '' ? state.channels : [named]) {
    const rows = restorableRows(db, channel, now)
    for (const { id, requestType, secret } of rows) {
      const isDestructive = isDestructiveCommand(requestType)
      restoreRow(
        db,
        id,
        isDestructive ? 'review' : heldFor(context, { secret: secret === 1, requestType }),
      )
    }
    requeued += rows.length
    // The rows are among those that counted as ended.
    state.endedTo = 0
    saveDevice(context)
    readAgain(context, channel)
  }
  return { kind: 'requeued', requeued } as const
}

function readAgain(context: Context, channel: Channel): void {
  context.state.queues.delete(channel.id)
  if (queueOf(context, channel).pending.length > 0 && channel.token !== null) {
    context.effects.push.add(channel.id)
  }
}
