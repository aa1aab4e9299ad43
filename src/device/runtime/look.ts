/**
 * The one gate in front of an admin's decisions: it checks where the address leads, and whether anything is
 * here.
 */
import { isHere, type CommandRef } from '../queue/lookup.ts'
import { elsewhere, type Address, type Elsewhere, type Unknown } from '../store/address.ts'
import type { Channel } from '../store/channel-row.ts'
import type { Context } from '../store/context.ts'
import { recalledChannel } from '../store/channels.ts'

/** A decision about one channel, which its user names. */
export type Decide<Answer> = (context: Context, user: string) => Answer

/** A decision about a channel that is here. */
export type Look<Answer> = (context: Context, channel: Channel) => Answer

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
  decide: Look<Answer>,
  ref?: CommandRef,
): Answer | Elsewhere | Unknown {
  const look: Decide<Answer | Unknown> = (_, user) => {
    const channel = holdsNothing(context) ? undefined : recalledChannel(context, user)
    return channel ? decide(context, channel) : { kind: 'unknown' }
  }
  return decideAt(context, address, look, ref)
}

function holdsNothing({ state }: Context): boolean {
  return state.isNew
}
