/** The password of the account that a device gets in its setup, if each device has its own. */
import { PENDING_STATES } from '../../mdm/queue.ts'
import { queueCommand } from '../queue/enqueue.ts'
import { channelOf } from '../store/channels.ts'
import { commandId, numberOf } from '../store/commands/ids.ts'
import type { NewCommand } from '../store/commands/new-command.ts'
import { listRows, type CommandRow } from '../store/commands/read.ts'
import type { Context } from '../store/context.ts'
import { archiveKind, listTokens, storeEscrow } from '../store/escrow/tokens.ts'

const KIND = 'admin_password'
const PENDING: ReadonlySet<string> = new Set(PENDING_STATES)

/** Keeps a new password. The one before stays in the archive: a device may not take the new one. */
export function keepPassword(context: Context, password: string): void {
  archiveKind(context, KIND)
  storeEscrow(context, KIND, new TextEncoder().encode(password))
}

export type Rotated =
  | { readonly kind: 'queued'; readonly id: string }
  | { readonly kind: 'refused'; readonly error: string }

/**
 * Queues the command that changes the password, and keeps the new one, in one commit. A password that the
 * device did not take makes room for it: the archive, which has an end, is for those that opened the account.
 */
export function rotatePassword(
  context: Context,
  { command, password }: { readonly command: NewCommand; readonly password: string },
): Rotated {
  const channel = channelOf(context, '')
  const { requestType } = command
  const which = { before: undefined, states: [], requestType, limit: 1, now: context.now }
  const [last] = listRows(context.db, channel, which)
  if (last && PENDING.has(last.state)) {
    const id = commandId(context, channel, numberOf(last.id))
    const error = `${id} changes the password already: wait for its answer, or cancel it`
    return { kind: 'refused', error }
  }
  const queued = queueCommand(context, '', command)
  if (queued.kind !== 'queued') {
    const error = 'error' in queued ? queued.error : 'the request was sent before'
    return { kind: 'refused', error }
  }
  if (last && wasNotTaken(context, last)) {
    storeEscrow(context, KIND, new TextEncoder().encode(password))
  } else {
    keepPassword(context, password)
  }
  return { kind: 'queued', id: queued.id }
}

/** Whether the present password is the one of this command, and the device never had it. */
function wasNotTaken({ db }: Context, { state, handOuts, queuedAt }: CommandRow): boolean {
  const present = listTokens(db).find((token) => token.kind === KIND && token.archivedAt === 0)
  const isVain = state === 'error' || (state !== 'acknowledged' && handOuts === 0)
  return isVain && present?.storedAt === queuedAt
}
