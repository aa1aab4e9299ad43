import type { EnrollmentType } from '../../mdm/enrollment.ts'
import type { DeviceFacts } from '../../mdm/message.ts'
import { viewIdentities, type DeviceIdentity } from '../enrolment/revocation.ts'
import type { Context } from '../store/context.ts'
import { viewContest, type ContestView } from '../standing/contest.ts'
import { pushStateOf, type PushState } from '../standing/directory-row.ts'
import { latestInventory, type Snapshot } from './inventory.ts'
import { channelOf } from '../store/channels.ts'
import { pushDueAt } from '../push/decide.ts'
import { queueOf } from '../queue/window.ts'
import { countByState } from '../store/commands/pending.ts'
import type { Channel, PushNote } from '../store/channel-row.ts'
import { isUnproven, type DeviceRow } from '../store/rows/device.ts'

/** The queue of a channel. Times are milliseconds; 0 stands for never. */
export interface QueueSummary {
  readonly waiting: number
  readonly byState: Readonly<Record<string, number>>
  readonly oldestQueuedAt: number
  readonly notNowSince: number
  /** When the server pushes a silent device again. Objects of an earlier version do not say it. */
  readonly nextPushAt?: number
}

export interface ChannelPage {
  readonly user: string
  readonly enabled: boolean
  readonly tokenAt: number
  readonly awaitingConfiguration: boolean
  readonly push: {
    readonly state: PushState
    readonly reason: string
    readonly last: PushNote | undefined
  }
  readonly queue: QueueSummary
}

/** One device as an admin sees it. */
export interface DevicePage {
  readonly kind: 'device'
  readonly id: string
  readonly type: EnrollmentType
  readonly state: DeviceRow['state']
  readonly facts: DeviceFacts
  readonly blocked: boolean
  readonly hidden: boolean
  readonly contest: ContestView | undefined
  /** Objects of an earlier version do not say it. */
  readonly unproven?: boolean
  readonly lastSeen: number
  readonly channels: readonly ChannelPage[]
  readonly identities: readonly DeviceIdentity[]
  readonly inventory: readonly Snapshot[]
}

export function viewDevice(context: Context): DevicePage {
  const { device, channels, lastMessageAt } = context.state
  return {
    kind: 'device',
    id: device.name,
    type: device.type,
    state: device.state,
    facts: device.facts,
    blocked: device.blocked,
    hidden: device.hidden,
    contest: viewContest(context),
    unproven: isUnproven(device),
    lastSeen: Math.max(device.lastSeen, lastMessageAt),
    channels: channels.map((channel) => channelPage(context, channel)),
    identities: viewIdentities(context),
    inventory: latestInventory(context, channelOf(context, '')),
  }
}

function channelPage(context: Context, channel: Channel): ChannelPage {
  return {
    user: channel.user,
    enabled: channel.enabled,
    tokenAt: channel.tokenAt,
    awaitingConfiguration: channel.awaitingConfiguration,
    push: { state: pushStateOf(channel), reason: channel.flag, last: channel.push },
    queue: summary(context, channel),
  }
}

function summary(context: Context, channel: Channel): QueueSummary {
  queueOf(context, channel)
  const rows = countByState(context.db, channel, context.now)
  return {
    waiting: rows.reduce((sum, { n }) => sum + n, 0),
    byState: Object.fromEntries(rows.map(({ state, n }) => [state, n])),
    oldestQueuedAt: least(rows.map(({ oldest }) => oldest)),
    notNowSince: least(rows.map(({ since }) => since)),
    nextPushAt: pushDueAt(context, channel) ?? 0,
  }
}

/** The earliest of some times; 0 when there is none. */
function least(times: readonly (number | null)[]): number {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? 0 : Math.min(...known)
}
