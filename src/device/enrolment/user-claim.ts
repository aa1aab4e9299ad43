/**
 * A user channel's claim to its bare UserID, by which admins find it. The directory keeps an index of claims.
 */
import { isUdidOfMobile } from '../../mdm/enrollment.ts'
import type { Message } from '../../mdm/message.ts'
import type { Context } from '../store/context.ts'
import { noteChange } from '../standing/directory-row.ts'
import { saveChannel } from '../store/rows/save.ts'
import { channelOf, knownChannel } from '../store/channels.ts'

/** A claim that the directory does not have yet. */
export interface NewClaim {
  readonly user: string
  /** The version of the device's row that has it. */
  readonly version: number
}

/**
 * A user with a UserID of its own is also found by that alone. Any message makes the claim, because the users
 * of a fleet that moved here send no TokenUpdate. A CheckOut ends it.
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
    saveChannel(context, channel)
    noteChange(context)
  }
  return channel.claim === 'wanted' ? { claim: { user, version: device.version } } : {}
}

/**
 * The directory has the claim: the bare UserID leads here from now on, unless another device claims it too.
 */
export function claimKept(context: Context, user: string): void {
  const channel = knownChannel(context.state, user)
  if (channel?.claim === 'wanted') {
    channel.claim = 'made'
    saveChannel(context, channel)
  }
}

/** Whether a device claims a bare UserID: the directory's rows are an index, and may lag behind. */
export interface UserClaim {
  readonly holds: boolean
  /** If it does not hold: claims up to this version of the device's row are over. */
  readonly version: number
}

export function userClaim({ state }: Context, user: string): UserClaim {
  const { blocked, version } = state.device
  const isClaimed = (knownChannel(state, user)?.claim ?? 'none') !== 'none'
  // The claims of a blocked device do not hold. They are not over: they hold again after an unblock.
  return { holds: isClaimed && !blocked, version: isClaimed ? -1 : version }
}
