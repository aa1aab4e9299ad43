/** What a device did, for the operator's log: a line for each thing, and none for an Idle. */
import type { CommandState } from '../../../mdm/queue.ts'
import type { Context } from '../context.ts'
import { errorCodeIn } from '../../../mdm/error-chain.ts'
import type { HeldFor } from '../../queue/held.ts'
import { CHANNEL_SPAN } from '../schema.ts'

const MAX_ERROR = 200

/** The command as its row has it. */
interface Row {
  readonly id: number
  readonly requestType: string
  /** Since when the device could have fetched it, where that is known. */
  readonly queuedAt?: number
}

/** A device came, went, has its next identity, or an admin acted on it; or one of its users came or went. */
export function happened(context: Context, event: string, user: string): void {
  const { effects, name: device } = context
  effects.happened.push({ event, device, ...modelOf(context), ...(user && { user: true }) })
}

/** An answer to a command; of an error its domain and code. */
export function commandAnswered(
  context: Context,
  { id, requestType, queuedAt }: Row,
  { state, result }: { readonly state: CommandState; readonly result: Uint8Array },
): void {
  const failed = state === 'error' || state === 'format_error'
  const error = failed ? errorCodeIn(result) : ''
  context.effects.happened.push({
    event: 'command:answered',
    ...placeOf(context.name, id >= CHANNEL_SPAN, id % CHANNEL_SPAN),
    request_type: requestType,
    state,
    ...(queuedAt && { ms: context.now - queuedAt }),
    ...modelOf(context),
    ...(error && { error: error.slice(0, MAX_ERROR).toWellFormed() }),
  })
}

/** A new command that its device cannot fetch yet: none of that id is enrolled, or the command is held. */
export function commandWaits(
  context: Context,
  id: number,
  requestType: string,
  held: HeldFor | undefined,
): void {
  context.effects.happened.push({
    event: 'command:waits',
    ...placeOf(context.name, id >= CHANNEL_SPAN, id % CHANNEL_SPAN),
    request_type: requestType,
    ...(held && { held }),
  })
}

/** A command for the log. A user's part of its id may be a person's name, so only the number at its end is told. */
export function placeOf(device: string, isUsers: boolean, number: number) {
  return isUsers ? { device, user: true, number } : { device, command_id: `${device}.${number}` }
}

function modelOf({ state }: Context): { readonly model?: string } {
  const { ModelName, ProductName, Model } = state.device.facts
  const model = ModelName || ProductName || Model
  return model ? { model } : {}
}
