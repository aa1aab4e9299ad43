import type { DeclarationKind } from '../kinds.ts'
import type { DeclarationState, Reason, Reported } from '../states.ts'
import { isError, mainReason } from './reasons.ts'

export interface StateOnChannel {
  readonly state: DeclarationState
  /** Of the main reason; empty when there is none. */
  readonly code: string
  readonly reasons: readonly Reason[]
}

/**
 * The state of a declaration that a channel is offered. What is reported of another token is about other
 * content: it says nothing. (Apple: "Leveraging the declarative management data model to scale devices")
 *
 * @param reported what the channel reports of this identifier
 */
export function stateOf(
  reported: Reported | undefined,
  offeredToken: string,
  kind: DeclarationKind,
): StateOnChannel {
  if (reported?.token !== offeredToken) {
    return { state: 'pending', code: '', reasons: [] }
  }
  const { reasons } = reported
  return { state: stateIn(reported, kind), code: mainReason(reasons)?.code ?? '', reasons }
}

/** A declaration of kind management is never active. */
function stateIn({ valid, active, reasons }: Reported, kind: DeclarationKind): DeclarationState {
  if (valid === 'invalid' || reasons.some(isError)) {
    return 'failed'
  }
  if (valid !== 'valid') {
    return 'pending'
  }
  return active || kind === 'management' ? 'applied' : 'inactive'
}
