/** Lines about commands in the operator's log. An Idle has none. */
import { errorCodeIn } from '../../../mdm/error-chain.ts'
import type { CommandState } from '../../../mdm/queue.ts'
import { modelOf, type Context } from '../context.ts'
import { isOfDevice, numberOf } from './ids.ts'
import type { HeldFor } from './new-command.ts'

const MAX_ERROR = 200

interface Row {
  readonly id: number
  readonly requestType: string
  /** Since when the device could have fetched it, if that is known. */
  readonly queuedAt?: number
}

/** Logs an answer to a command; of an error its domain and code. */
export function logAnswer(
  context: Context,
  { id, requestType, queuedAt }: Row,
  { state, result }: { readonly state: CommandState; readonly result: Uint8Array },
): void {
  const failed = state === 'error' || state === 'format_error'
  const error = failed ? errorCodeIn(result) : ''
  context.effects.happened.push({
    event: 'command:answered',
    ...namedInLog(context.name, !isOfDevice(id), numberOf(id)),
    request_type: requestType,
    state,
    ...(queuedAt && { ms: context.now - queuedAt }),
    ...modelOf(context),
    ...(error && { error: error.slice(0, MAX_ERROR).toWellFormed() }),
  })
}

/** Logs a new command that the device cannot fetch yet: it is held, or no device is enrolled with the id. */
export function logWaiting(
  context: Context,
  { id, requestType }: Row,
  heldFor: HeldFor | undefined,
): void {
  context.effects.happened.push({
    event: 'command:waits',
    ...namedInLog(context.name, !isOfDevice(id), numberOf(id)),
    request_type: requestType,
    ...(heldFor && { held: heldFor }),
  })
}

/**
 * A command's name in the log. The user in its id may be the name of a person, so only its number is logged.
 */
export function namedInLog(device: string, isUsers: boolean, number: number) {
  return isUsers ? { device, user: true, number } : { device, command_id: `${device}.${number}` }
}
