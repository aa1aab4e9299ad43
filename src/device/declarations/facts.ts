import { platformOf } from '../../apple/platform.ts'
import type { ChannelFacts, EnrollmentMode } from '../../ddm/facts.ts'
import { enrollmentId } from '../../mdm/enrollment.ts'
import { isUndecided } from '../standing/contest.ts'
import { isSerialProven } from '../standing/serial-claim.ts'
import { enrollmentOfChannel, type Channel } from '../store/channel-row.ts'
import type { Context } from '../store/context.ts'
import { isUnproven } from '../store/rows/device.ts'
import { reportedItem } from './reported.ts'

const MODES: readonly EnrollmentMode[] = ['supervised', 'device', 'user']

/** The facts that decide what a channel is offered. A serial number counts only with proof. */
export function channelFacts(context: Context, channel: Channel): ChannelFacts {
  const { facts, type } = context.state.device
  const { SerialNumber, ProductName, Model, ModelName, OSVersion } = facts
  const platform = platformOf(ProductName || Model)
  const item = (name: string): unknown => reportedItem(context, { id: 0 }, name)
  const mode = MODES.find((one) => one === item('mdm.enrollment-type'))
  const known = type.startsWith('User Enrollment')
    ? 'user'
    : platform === 'macOS'
      ? 'supervised'
      : undefined
  return {
    platform,
    osVersion: /^\d+(\.\d+)*$/.test(OSVersion) ? OSVersion : '',
    enrollment: mode ?? known,
    scope: channel.user === '' ? 'system' : 'user',
    sharedIPad:
      item('mdm.is-shared-ipad') === true ||
      enrollmentOfChannel(context.state.device, channel).type === 'Shared iPad',
    models: [ProductName, Model, ModelName].filter((name) => name !== ''),
    serialNumber: isSerialProven(context.state, SerialNumber) ? SerialNumber : '',
    supported: supportedTypes(reportedItem(context, channel, CLIENT_CAPABILITIES)),
  }
}

export const CLIENT_CAPABILITIES = 'management.client-capabilities'

/** The declaration types of `management.client-capabilities`. Devices have sent parts of it. */
function supportedTypes(capabilities: unknown): readonly string[] | undefined {
  const declarations: unknown = Object(Object(capabilities)['supported-payloads'])['declarations']
  const lists: unknown[] = Object.values(Object(declarations))
  const types = lists.flat().filter((type) => typeof type === 'string')
  return types.length > 0 ? types : undefined
}

/** The names of status items that the channel's device lists; none until it reports them. */
export function supportedItems(context: Context, channel: Channel): readonly string[] {
  const capabilities = reportedItem(context, channel, CLIENT_CAPABILITIES)
  const items: unknown = Object(Object(capabilities)['supported-payloads'])['status-items']
  return Array.isArray(items) ? items.filter((name) => typeof name === 'string') : []
}

/** The values of the variables of a channel; absent ones are unknown. */
export function variableValues(
  { name, state }: Context,
  { user, shortName = '', longName = '' }: Channel,
): Readonly<Record<string, string>> {
  const { facts, type } = state.device
  const values = {
    serial_number: facts.SerialNumber,
    udid: type.startsWith('User Enrollment') ? '' : name,
    enrollment_id: enrollmentId(name, user),
    device_name: facts.DeviceName,
    model: facts.ProductName || facts.Model,
    os_version: facts.OSVersion,
    user_id: user,
    user_short_name: shortName,
    user_long_name: longName,
  }
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))
}

/** Whether the device may be another one than its id says: it gets no declaration and no file. */
export function isInDoubt(context: Context): boolean {
  const { device } = context.state
  return isUndecided(context) || isUnproven(device) || device.namesake === 'contested'
}
