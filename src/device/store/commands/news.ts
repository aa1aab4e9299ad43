import { kindOfState } from '../../../live/entry.ts'
import type { CommandState } from '../../../mdm/queue.ts'
import { tellLive, type Context } from '../context.ts'
import { commandId, numberOf } from './ids.ts'
import type { HeldFor, NewCommand } from './new-command.ts'

/** Tells those who watch that a channel's command has another state. */
export function tellCommand(
  context: Context,
  channel: { readonly user: string },
  row: number,
  state: CommandState,
  { requestType, by }: Partial<Pick<NewCommand, 'requestType' | 'by'>> = {},
): void {
  const actor = by?.actor ?? by?.key
  tellLive(context, {
    kind: kindOfState(state),
    command: commandId(context, channel, numberOf(row)),
    ...(requestType !== undefined && { requestType }),
    ...(actor !== undefined && { actor }),
    ...(by?.job !== undefined && { job: by.job }),
  })
}

/** The same for a new command. */
export function tellQueued(
  context: Context,
  channel: { readonly user: string },
  row: number,
  command: NewCommand,
  held: HeldFor | undefined,
): void {
  tellCommand(context, channel, row, held ? 'held' : 'queued', command)
}
