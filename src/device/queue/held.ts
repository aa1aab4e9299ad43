import { isDestructiveCommand } from '../../commands/request-types.ts'
import { isDevice } from '../store/address.ts'
import type { Channel } from '../store/channel-row.ts'
import { channelIdOf, rangeWithUsers } from '../store/commands/ids.ts'
import type { HeldFor } from '../store/commands/new-command.ts'
import { releaseRows } from '../store/commands/pending.ts'
import { wakeBy, type Context } from '../store/context.ts'
import { saveDevice } from '../store/rows/save.ts'
import { locateCommand, isHere, type CommandRef } from './lookup.ts'
import { PUSH_FALLBACK, queueOf, readWindow } from './window.ts'

/** Whether a new command is held, and for what. */
export function heldFor(
  { state }: Context,
  { secret, requestType }: { readonly secret: boolean; readonly requestType: string },
): HeldFor | undefined {
  const { device } = state
  const isRemoval = device.contest !== undefined && requestType === 'RemoveProfile'
  if (!secret && !isRemoval && !isDestructiveCommand(requestType)) {
    return undefined
  }
  if (device.state === 'unknown' || device.namesake !== '') {
    return 'arrival'
  }
  return device.contest ? 'contest' : undefined
}

export type Released =
  | { readonly kind: 'released'; readonly released: number }
  /** No device has enrolled with the id yet, so an admin cannot have checked it. */
  | { readonly kind: 'unenrolled' }
  | { readonly kind: 'unknown' }

/**
 * Releases held commands, which go out in their order: that of `ref`, or all of the channel. A release on the
 * device channel releases those of its users too.
 */
export function releaseHeld(
  context: Context,
  channel: Channel,
  ref: CommandRef | undefined,
): Released {
  const { user } = channel
  const found = ref && locateCommand(context, user, ref)
  if (ref && !isHere(context, user, ref)) {
    return { kind: 'unknown' }
  }
  if (!isDevice(context)) {
    return { kind: 'unenrolled' }
  }
  if (user === '' && ref === undefined) {
    endNamesake(context)
  }
  const rows = releaseRows(context.db, found ? [found.row, found.row] : rangeWithUsers(channel), {
    // A release of all commands leaves those of a contest. The end of the contest releases them, or an admin
    // releases each one.
    ofContestToo: ref !== undefined || context.state.device.contest === undefined,
  })
  for (const id of new Set(rows.map(channelIdOf))) {
    readAgain(context, id)
  }
  return { kind: 'released', released: rows.length }
}

/**
 * A release of all commands confirms that the id means the device. A release of one command, or of a user,
 * does not.
 */
function endNamesake(context: Context): void {
  const { state } = context
  if (state.device.namesake !== '') {
    state.device.namesake = ''
    saveDevice(context)
  }
}

function readAgain(context: Context, id: number): void {
  const channel = context.state.channels.find((one) => one.id === id)
  if (!channel) {
    return
  }
  readWindow(context, channel, queueOf(context, channel))
  if (channel.token !== null) {
    context.effects.push.add(channel.id)
    wakeBy(context, context.now + PUSH_FALLBACK)
  }
}
