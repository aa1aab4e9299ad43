import { shown, type CheckIn } from '../../mdm/message.ts'
import { writePlist } from '../../plist/write.ts'
import { logHappening, type Context } from '../store/context.ts'
import { noteChange, pushStateOf } from '../standing/directory-row.ts'
import { isUndecided } from '../standing/contest.ts'
import { settleContest } from '../standing/contest-end.ts'
import { authenticate, unmaskRenewal, type Presented } from './authenticate.ts'
import { loadEscrow, storeEscrow } from '../store/escrow/tokens.ts'
import { keepDigest } from './identity.ts'
import { channelOf, recalledChannel } from '../store/channels.ts'
import { keepReplaced } from '../standing/replaced.ts'
import { decideStanding } from '../standing/unproven.ts'
import { forgetSuccessors } from './renewal.ts'
import { pendingSince } from '../queue/window.ts'
import { saveChannel } from '../store/rows/save.ts'
import { checkOut } from '../standing/leave.ts'

/** Additions of a check-in to its event and its answer. */
export interface CheckInEffect {
  readonly reply?: Uint8Array
  readonly tally?: number
  readonly renewal?: true
  /** The enrolment is contested until then (milliseconds). */
  readonly contested?: number
  /** It is not decided yet which answer the device gets. The device has to connect again. */
  readonly later?: true
  /** The device has enrolled, and has not only renewed its identity. */
  readonly enrolled?: true
}

/** Applies a check-in message (Apple, "Check-in"). */
export function checkIn(context: Context, message: CheckIn, who: Presented): CheckInEffect {
  switch (message.messageType) {
    case 'Authenticate':
      return authenticate(context, message, who)
    case 'TokenUpdate':
      return tokenUpdate(context, message, who)
    case 'CheckOut':
      return leave(context, message.enrollment.user, who)
    case 'SetBootstrapToken':
      storeEscrow(context, 'bootstrap_token', message.bootstrapToken ?? new Uint8Array())
      return {}
    case 'GetBootstrapToken':
      return isUndecided(context) || context.state.device.moved?.unproven
        ? { later: true }
        : { reply: bootstrapToken(context) }
    case 'UserAuthenticate':
    case 'GetToken':
    case 'DeclarativeManagement':
      return {}
  }
}

function bootstrapToken(context: Context): Uint8Array {
  const { blocked } = context.state.device
  const token = blocked ? undefined : loadEscrow(context, 'bootstrap_token')
  return writePlist({ BootstrapToken: token ?? new Uint8Array() })
}

function tokenUpdate(context: Context, message: TokenUpdate, who: Presented): CheckInEffect {
  const { state } = context
  const { enrollment } = message
  const channel = channelOf(context, enrollment.user)
  const enrolled = enrollment.user === '' && finishEnrolment(context, message, who)
  if (enrollment.user !== '' && !channel.enabled) {
    logHappening(context, 'device:enrolled', enrollment.user)
  }
  compareTopic(context, message.topic)
  keepReplaced(context, channel)
  const unreachable = enrollment.user === '' && pushStateOf(channel) !== 'ready'
  if (!channel.enabled) {
    state.device.offeredEpoch = undefined
  }
  Object.assign(channel, {
    enabled: true,
    ...(enrollment.user !== '' && namesOf(message)),
    token: message.token,
    tokenAt: context.now,
    magic: message.pushMagic,
    topic: message.topic,
    tally: channel.tally + 1,
    awaitingConfiguration: message.awaitingConfiguration ?? channel.awaitingConfiguration,
    flag: '',
    pushAfter: 0,
  })
  state.unansweredPushes.delete(channel.id)
  saveChannel(context, channel)
  if (unreachable && !context.effects.toAnnounce.directory) {
    noteChange(context)
  }
  if (message.unlockToken && message.unlockToken.length > 0) {
    storeEscrow(context, 'unlock_token', message.unlockToken)
  }
  if (pendingSince(context, channel)) {
    context.effects.push.add(channel.id)
  }
  return { tally: channel.tally, ...(enrolled && { enrolled }) }
}

type TokenUpdate = Extract<CheckIn, { messageType: 'TokenUpdate' }>

function namesOf({ userShortName, userLongName }: TokenUpdate) {
  return { shortName: shown(userShortName), longName: shown(userLongName) }
}

/**
 * The TokenUpdate of the device channel completes what its Authenticate began. @returns whether an enrolment
 * began
 */
function finishEnrolment(
  context: Context,
  { awaitingConfiguration }: TokenUpdate,
  { identity }: Presented,
): boolean {
  const { device } = context.state
  const mayBeRenewal = device.renewedAt > 0 || isUndecided(context)
  if (mayBeRenewal && awaitingConfiguration === true && identity) {
    unmaskRenewal(context, identity)
  }
  const isNew = device.state !== 'enrolled' && device.renewedAt === 0
  if (device.state !== 'enrolled' || device.renewedAt > 0) {
    logHappening(context, device.renewedAt > 0 ? 'device:renewed' : 'device:enrolled', '')
    device.state = 'enrolled'
    device.renewedAt = 0
    if (isNew) {
      const automated = awaitingConfiguration === true
      Object.assign(device.installed, { enrolledAt: context.now, automated })
    }
    noteChange(context)
    forgetSuccessors(context)
  }
  return isNew
}

/** Pushes do not reach a device of another topic: it has to enrol again, or the certificate is wrong. */
function compareTopic(context: Context, topic: string): void {
  const certificateTopic = context.settings.pushTopic
  if (certificateTopic !== '' && topic !== certificateTopic) {
    const { effects, name: device } = context
    effects.notes.push({
      event: 'push:topic-mismatch',
      device,
      topic,
      certificate_topic: certificateTopic,
    })
  }
}

/**
 * A device checks out. If its enrolment is not proven, the one before is the present one again. An unproven
 * certificate ends nothing that came from another server, and signs no user out.
 */
function leave(context: Context, user: string, who: Presented): CheckInEffect {
  if (who.identity) {
    keepDigest(context, who.identity, who.digest)
  }
  if (user === '' && context.state.device.contest && !who.identity?.proof) {
    settleContest(context, 'left', context.state.device.contest.earlier.at(-1))
    return {}
  }
  if (context.state.device.moved?.unproven && !who.identity?.proof) {
    if (user === '') {
      decideStanding(context, 'left')
    }
    return {}
  }
  if (user === '' || recalledChannel(context, user)?.enabled) {
    logHappening(context, 'device:checked-out', user)
  }
  checkOut(context, user)
  return {}
}
