/**
 * The one gate in front of an admin's decisions: it checks where the address leads, and whether anything is
 * here.
 */
import { isHere, type CommandRef } from './queue/lookup.ts'
import { elsewhere, type Address, type Elsewhere, type Unknown } from './store/address.ts'
import type { Context } from './store/context.ts'
import { recalledChannel } from './store/channels.ts'

/** A decision about one channel, which its user names. */
export type Decide<Answer> = (context: Context, user: string) => Answer

/** Decides at the channel that an admin's address means, unless the address leads to another object. */
export function decideAt<Answer>(
  context: Context,
  address: Address,
  decide: Decide<Answer>,
  ref?: CommandRef,
): Answer | Elsewhere {
  // A command's id leads here as long as the command is kept here, even if its enrolment's id leads
  // elsewhere.
  const isKept = ref && !holdsNothing(context) && isHere(context, address.user, ref)
  const leads = isKept ? undefined : elsewhere(context, address)
  return leads ?? decide(context, address.user)
}

/**
 * The same for a decision that needs something to be here. `unknown` is the answer of an object that holds
 * nothing, and for a user without a channel here.
 */
export function lookAt<Answer>(
  context: Context,
  address: Address,
  decide: Decide<Answer>,
  ref?: CommandRef,
): Answer | Elsewhere | Unknown {
  const look: Decide<Answer | Unknown> = (_, user) =>
    holdsNothing(context) || !recalledChannel(context, user)
      ? { kind: 'unknown' }
      : decide(context, user)
  return decideAt(context, address, look, ref)
}

function holdsNothing({ state }: Context): boolean {
  return state.device.schema === 0
}
