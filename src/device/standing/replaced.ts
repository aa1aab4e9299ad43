/** What an unproven certificate replaces of a device that moved here is kept, and can be restored. */
import { Buffer } from 'node:buffer'
import type { Channel } from '../store/channel-row.ts'
import { channelOf, everyChannel } from '../store/channels.ts'
import { cancelAnswered } from '../store/commands/contest.ts'
import type { Context } from '../store/context.ts'
import { restoreProven } from '../store/escrow/tokens.ts'
import { saveChannel, saveDevice } from '../store/rows/save.ts'
import { resetChannel, UNPUSHED } from './contest.ts'

/** Keeps a push token of the other server beside that of an unproven certificate. */
export function keepReplaced(
  context: Context,
  channel: Pick<Channel, 'user' | 'token' | 'tokenAt' | 'magic' | 'topic'>,
): void {
  const { device } = context.state
  const { moved } = device
  const { user, token, magic, topic } = channel
  const isKept = moved?.replaced.some((one) => one.user === user)
  if (!moved?.unproven || isKept || !token?.length || !isOfOtherServer(channel)) {
    return
  }
  const kept = { user, token: Buffer.from(token).toString('base64'), magic, topic }
  device.moved = { ...moved, replaced: [...moved.replaced, kept] }
  saveDevice(context)
}

/**
 * The certificates that have called are another device's. What came with the record counts again, and the
 * device itself has not called yet.
 */
export function restoreReplaced(context: Context): void {
  const { device } = context.state
  const { moved } = device
  if (!moved?.unproven) {
    return
  }
  cancelAnswered(context.db, moved.at)
  restoreProven(context)
  for (const channel of everyChannel(context)) {
    if (!channel.token || !isOfOtherServer(channel)) {
      const isKept = moved.replaced.some(({ user }) => user === channel.user)
      resetChannel(context, channel, isKept ? channel.claim : 'none')
    }
  }
  for (const { user, token, magic, topic } of moved.replaced) {
    const channel = channelOf(context, user)
    const bytes = new Uint8Array(Buffer.from(token, 'base64'))
    const own = { enabled: true, token: bytes, tokenAt: 0, tally: 1, magic, topic }
    saveChannel(context, Object.assign(channel, own, UNPUSHED))
  }
  device.moved = { ...moved, called: false, replaced: [] }
  saveDevice(context)
}

/** A device that moved here is proven from now on. */
export function vouchForMoved(context: Context): void {
  const { device } = context.state
  if (device.moved?.unproven) {
    device.moved = { ...device.moved, unproven: false, replaced: [] }
    saveDevice(context)
  }
}

/** Only a token that a device sent has a time. */
function isOfOtherServer({ tokenAt }: Pick<Channel, 'tokenAt'>): boolean {
  return tokenAt === 0
}
