import type { Schema } from '../api/types.ts'

/** What decides about commands and warnings. `undefined` is what no report has said yet. */
export interface DeviceFacts {
  readonly platform: string | null
  readonly osVersion: string | null
  readonly isUser: boolean
  readonly isSharedIpad: boolean
  readonly isUserEnrolment: boolean
  readonly isSupervised: boolean | undefined
  readonly isAutomated: boolean | undefined
  readonly hasPasscode: boolean | undefined
  readonly isActivationLocked: boolean | undefined
  readonly isLost: boolean | undefined
}

/** Nothing is known of the device: everything is offered. */
export const NO_FACTS: DeviceFacts = {
  platform: null,
  osVersion: null,
  isUser: false,
  isSharedIpad: false,
  isUserEnrolment: false,
  isSupervised: undefined,
  isAutomated: undefined,
  hasPasscode: undefined,
  isActivationLocked: undefined,
  isLost: undefined,
}

type Device = Pick<
  Schema<'DeviceDetail'>,
  'id' | 'type' | 'platform' | 'os_version' | 'inventory' | 'channels'
>

/** @param id of the enrolment: the device's own, or that of one of its users */
export function factsOf(device: Device, id: string): DeviceFacts {
  const { DeviceInformation: information, SecurityInfo: security } = device.inventory
  const management = new Map(Object.entries(security?.value ?? {})).get('ManagementStatus')
  return {
    platform: device.platform,
    osVersion: device.os_version,
    isUser: id !== device.id && device.channels.some((one) => one.id === id && one.user !== null),
    isSharedIpad: says(information?.value, 'IsMultiUser') ?? false,
    isUserEnrolment: device.type.startsWith('User Enrollment'),
    isSupervised: says(information?.value, 'IsSupervised'),
    isAutomated: says(management, 'EnrolledViaDEP'),
    hasPasscode: says(security?.value, 'PasscodePresent'),
    isActivationLocked: says(information?.value, 'IsActivationLockEnabled'),
    isLost: says(information?.value, 'IsMDMLostModeEnabled'),
  }
}

function says(of: unknown, key: string): boolean | undefined {
  const value = new Map(Object.entries(of ?? {})).get(key)
  return typeof value === 'boolean' ? value : undefined
}

/** What people call the device: the object of a button. */
export function kindOf({ platform, isUser }: DeviceFacts): string {
  return isUser ? 'user' : (KINDS[platform ?? ''] ?? 'device')
}

const KINDS: Readonly<Record<string, string>> = {
  macOS: 'Mac',
  iOS: 'iPhone',
  iPadOS: 'iPad',
  tvOS: 'Apple TV',
  watchOS: 'Apple Watch',
  visionOS: 'Vision Pro',
}
