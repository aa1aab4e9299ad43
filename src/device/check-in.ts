import type { CheckIn } from '../mdm/message.ts'
import { writePlist } from '../plist/write.ts'
import type { Context } from './context.ts'
import { changed, pushStateOf } from './directory-row.ts'
import { authenticate, unmaskRenewal, type Presented } from './enrolling.ts'
import { loadEscrow, storeEscrow } from './escrow.ts'
import { forgetSuccessors } from './renewing.ts'
import { pendingSince } from './queue.ts'
import { channelOf, saveChannel } from './state.ts'

/** What a check-in adds to its event and its answer. */
export interface CheckInEffect {
  readonly reply?: Uint8Array
  readonly tally?: number
  readonly renewal?: true
}

/** Applies a check-in message (spec/apple-protocol.md §1). */
export function checkIn(context: Context, message: CheckIn, who: Presented): CheckInEffect {
  switch (message.messageType) {
    case 'Authenticate':
      return authenticate(context, message, who) ? { renewal: true } : {}
    case 'TokenUpdate':
      return tokenUpdate(context, message, who)
    case 'CheckOut':
      return checkOut(context, message.enrollment.user)
    case 'SetBootstrapToken':
      storeEscrow(context, 'bootstrap_token', message.bootstrapToken ?? new Uint8Array())
      return {}
    case 'GetBootstrapToken':
      return {
        reply: writePlist({
          BootstrapToken: loadEscrow(context, 'bootstrap_token') ?? new Uint8Array(),
        }),
      }
    case 'UserAuthenticate':
    case 'GetToken':
    case 'DeclarativeManagement':
      return {}
  }
}

function tokenUpdate(
  context: Context,
  message: Extract<CheckIn, { messageType: 'TokenUpdate' }>,
  who: Presented,
): CheckInEffect {
  const { state, db } = context
  const { device } = state
  const { enrollment } = message
  const channel = channelOf(context, enrollment.user)
  if (enrollment.user === '') {
    if (device.renewedAt > 0 && message.awaitingConfiguration === true && who.identity) {
      unmaskRenewal(context, who.identity)
    }
    if (device.state !== 'enrolled' || device.renewedAt > 0) {
      device.state = 'enrolled'
      device.renewedAt = 0
      changed(context)
      forgetSuccessors(context)
    }
  }
  compareTopic(context, message.topic)
  const unreachable = enrollment.user === '' && pushStateOf(channel) !== 'ready'
  Object.assign(channel, {
    enabled: true,
    token: message.token,
    tokenAt: context.now,
    magic: message.pushMagic,
    topic: message.topic,
    tally: channel.tally + 1,
    awaitingConfiguration: message.awaitingConfiguration ?? channel.awaitingConfiguration,
    flag: '',
    pushAfter: 0,
  })
  state.rung.delete(channel.id)
  saveChannel(db, channel)
  if (unreachable && !context.effects.news.directory) {
    changed(context)
  }
  if (message.unlockToken && message.unlockToken.length > 0) {
    storeEscrow(context, 'unlock_token', message.unlockToken)
  }
  if (pendingSince(context, channel)) {
    context.effects.push.add(channel.id)
  }
  return { tally: channel.tally }
}

/** A device of another topic is out of reach of our pushes: it has to enrol again, or the certificate is wrong. */
function compareTopic(context: Context, topic: string): void {
  const certificateTopic = context.settings.pushTopic
  if (certificateTopic !== '' && topic !== certificateTopic) {
    const { effects, name: device } = context
    effects.notes.push({ event: 'push:topic-mismatch', device, topic, certificateTopic })
  }
}

/** The device takes its users with it; a user leaves alone. The queue stays, as in MicroMDM. */
export function checkOut(context: Context, user: string): CheckInEffect {
  const { state, db } = context
  let endsClaim = false
  for (const channel of state.channels) {
    if (channel.user === user || user === '') {
      endsClaim ||= channel.claim !== 'none'
      Object.assign(channel, { enabled: false, token: null, magic: '', claim: 'none' })
      saveChannel(db, channel)
    }
  }
  if (user === '') {
    state.device.state = 'checked_out'
  }
  if (user === '' || endsClaim) {
    changed(context)
  }
  return {}
}
