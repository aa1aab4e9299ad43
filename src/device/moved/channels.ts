/** Push tokens and queues of the channels of a device that came from another server. */
import { Buffer } from 'node:buffer'
import { isUdidOfMobile } from '../../mdm/enrollment.ts'
import type { MovedChannel, MovedDevice } from '../../migration/moved.ts'
import { UNPUSHED } from '../standing/contest.ts'
import { keepReplaced } from '../standing/replaced.ts'
import type { Channel } from '../store/channel-row.ts'
import { channelOf } from '../store/channels.ts'
import type { Context } from '../store/context.ts'
import { saveChannel } from '../store/rows/save.ts'
import { takeCommands, type TakenCommands } from './commands.ts'

/** `isOurs`: the device has called here, so a channel that ever had a token here keeps it. */
export function takeChannels(
  context: Context,
  { state, channels }: MovedDevice,
  isOurs: boolean,
): TakenCommands {
  const hasLeft = state === 'checked_out' || state === 'retired'
  const total = { queued: 0, cancelled: 0, unreadable: 0 }
  for (const { topic, ...one } of channels) {
    const moved = { ...one, topic: topic || context.settings.pushTopic }
    const channel = channelOf(context, moved.user)
    if (!hasLeft && (!isOurs || channel.tally === 0)) {
      takeToken(context, channel, moved)
      takeClaim(context, channel, moved)
    } else if (!hasLeft) {
      keepBeside(context, channel, moved)
    }
    if (moved.commands) {
      const { queued, cancelled, unreadable } = takeCommands(context, channel, moved.commands)
      total.queued += queued
      total.cancelled += cancelled
      total.unreadable += unreadable
    }
  }
  return total
}

/** The same token a second time leaves what APNs has answered about it. */
function takeToken(context: Context, channel: Channel, moved: MovedChannel): void {
  const { token, magic, topic, awaitingConfiguration = channel.awaitingConfiguration } = moved
  const isKnown = isSame(channel, moved) && channel.enabled
  if (token === '' || (isKnown && channel.awaitingConfiguration === awaitingConfiguration)) {
    return
  }
  Object.assign(channel, {
    enabled: true,
    token: bytesOf(token),
    // The time of a token is when a device sent it here.
    tokenAt: 0,
    magic,
    topic,
    tally: Math.max(channel.tally, 1),
    awaitingConfiguration,
    ...UNPUSHED,
  })
  saveChannel(context, channel)
}

/** The bare UserID leads to the channel, as after a message of the user. */
function takeClaim(context: Context, channel: Channel, { user, isSharedIPad }: MovedChannel): void {
  if (user !== '' && !isSharedIPad && channel.claim === 'none' && !isUdidOfMobile(user)) {
    channel.claim = 'made'
    saveChannel(context, channel)
  }
}

/** The token returns if the sender of the present one turns out to be another device. */
function keepBeside(context: Context, channel: Channel, moved: MovedChannel): void {
  if (channel.token && !isSame(channel, moved)) {
    keepReplaced(context, { ...moved, token: bytesOf(moved.token), tokenAt: 0 })
  }
}

function isSame({ token, magic, topic }: Channel, moved: MovedChannel): boolean {
  const isSameToken = token !== null && Buffer.from(token).toString('base64') === moved.token
  return isSameToken && magic === moved.magic && topic === moved.topic
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}
