/** A user channel's claim to its bare UserID, by which admins find it. The directory keeps an index of claims. */
import { isUdidOfMobile } from '../../mdm/enrollment.ts'
import type { Message } from '../../mdm/message.ts'
import type { Context } from '../store/context.ts'
import { changed } from '../standing/directory-row.ts'
import { channelOf, knownChannel, saveChannel } from '../store/state.ts'

/** A user channel that is to be found by its bare UserID. */
export interface NewClaim {
  readonly user: string
  /** Of the device's row that has it. */
  readonly version: number
}

/**
 * A user with an id of its own is also found by that alone. Any message claims it, because the users of a fleet that
 * moved here send no TokenUpdate; a CheckOut ends it.
 */
export function wantedClaim(context: Context, message: Message): { readonly claim?: NewClaim } {
  const { type, user } = message.enrollment
  const { device } = context.state
  const leaves = message.kind === 'checkin' && message.messageType === 'CheckOut'
  const mayClaim = device.state !== 'checked_out' && !device.blocked && !leaves
  if (!mayClaim || (type !== 'User' && type !== 'User Enrollment') || isUdidOfMobile(user)) {
    return {}
  }
  const channel = channelOf(context, user)
  if (channel.claim === 'none') {
    channel.claim = 'wanted'
    saveChannel(context.db, channel)
    changed(context)
  }
  return channel.claim === 'wanted' ? { claim: { user, version: device.version } } : {}
}

/** The directory has the claim: the bare UserID leads here from now on, unless it is claimed twice. */
export function claimKept(context: Context, user: string): void {
  const channel = knownChannel(context.state, user)
  if (channel?.claim === 'wanted') {
    channel.claim = 'made'
    saveChannel(context.db, channel)
  }
}

/** How a device stands to a bare UserID: the directory's rows are an index, and may lag behind. */
export interface UserClaim {
  readonly holds: boolean
  /** Where it does not hold: up to which version of the device's row claims are over. */
  readonly version: number
}

export function userClaim({ state }: Context, user: string): UserClaim {
  const { blocked, version } = state.device
  const isClaimed = (knownChannel(state, user)?.claim ?? 'none') !== 'none'
  // While an admin blocks the device, its claims do not hold. They are not over: unblocked, they hold again.
  return { holds: isClaimed && !blocked, version: isClaimed ? -1 : version }
}
