import { enrollmentId } from '../../mdm/enrollment.ts'
import type { Channel } from '../store/channel-row.ts'
import { numberOf } from '../store/commands/ids.ts'
import { secretRows } from '../store/commands/read.ts'
import type { Context } from '../store/context.ts'
import { viewCommand, type CommandAnswer } from '../queue/lookup.ts'
import { queueOf } from '../queue/window.ts'

/** Commands whose secrets can be revealed. Only their keys leave the Worker. */
export interface SecretCommands {
  readonly kind: 'secrets'
  readonly commands: readonly Extract<CommandAnswer, { kind: 'command' }>[]
}

const MOST = 50

/** A channel's lasting commands that still have a payload or an answer, newest first. */
export function listSecrets(context: Context, channel: Channel): SecretCommands {
  queueOf(context, channel)
  const enrollment = enrollmentId(context.name, channel.user)
  const commands = secretRows(context.db, channel, MOST).flatMap((row) => {
    const found = viewCommand(context, channel.user, { enrollment, n: numberOf(row) })
    return found.kind === 'command' ? [found] : []
  })
  return { kind: 'secrets', commands }
}
