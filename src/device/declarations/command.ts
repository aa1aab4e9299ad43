import { tokensJson } from '../../ddm/manifest/tokens.ts'
import { writePlist } from '../../plist/write.ts'
import { appendCommand } from '../queue/enqueue.ts'
import { cancelCommands } from '../queue/cancel.ts'
import type { Channel } from '../store/channel-row.ts'
import { numberOf } from '../store/commands/ids.ts'
import { changePayload, pendingOfSource } from '../store/commands/source.ts'
import type { Context } from '../store/context.ts'
import type { ManifestRow } from '../store/rows/manifest.ts'

/** The `source` of the commands with which the server asks a device to synchronise. */
const SOURCE = 'declarations'

/**
 * Queues the command that makes a device synchronise; its `Data` are the tokens, so that an equal list costs
 * no further request (Apple, "DeclarativeManagementCommand"). A command that still waits gets the new tokens
 * instead: many changes are one command.
 */
export function queueSynchronise(
  context: Context,
  channel: Channel,
  { token, changedAt }: Pick<ManifestRow, 'token' | 'changedAt'>,
  uuid: string,
): void {
  const waiting = pendingOfSource(context.db, channel, SOURCE)
  const CommandUUID = waiting?.uuid ?? (channel.id === 0 ? uuid : `${uuid}-${channel.id}`)
  const Data = new TextEncoder().encode(tokensJson(token, changedAt))
  const payload = writePlist({
    Command: { RequestType: 'DeclarativeManagement', Data },
    CommandUUID,
  })
  if (waiting) {
    changePayload(context.db, waiting.id, payload)
  } else {
    appendCommand(context, channel, {
      uuid: CommandUUID,
      requestType: 'DeclarativeManagement',
      payload,
      secret: false,
      source: SOURCE,
      by: { face: 'server' },
    })
  }
}

/** The device has the list already: a command that still waits is needless. */
export function dropSynchronise(context: Context, channel: Channel): void {
  const waiting = pendingOfSource(context.db, channel, SOURCE)
  if (waiting) {
    cancelCommands(context, channel, [numberOf(waiting.id)])
  }
}

/** Whether such a command waits, or is with the device. */
export function isAsked({ db }: Context, channel: Channel): boolean {
  return pendingOfSource(db, channel, SOURCE, ['held', 'sent', 'stalled']) !== undefined
}
