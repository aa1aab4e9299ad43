/** A device's record as check-in messages, which NanoMDM's `/migration` takes. */
import { Buffer } from 'node:buffer'
import { deviceTypeOf, SHARED_IPAD_USER_ID } from '../mdm/enrollment.ts'
import type { CheckIn, Message } from '../mdm/message.ts'
import { isPushable } from '../mdm/push-values.ts'
import type { PlistDict } from '../plist/value.ts'
import { writePlist } from '../plist/write.ts'
import type { MovedChannel, MovedDevice } from './moved.ts'

export type RecordOfMessage =
  | { readonly ok: true; readonly record: MovedDevice }
  | { readonly ok: false; readonly fault: string }

const WANTED = 'send the Authenticate, TokenUpdate and SetBootstrapToken messages of a device'

/**
 * The part of a device's record that one message has. The messages of a device may come in any order.
 * @returns a fault for a message of another kind, and for push values that reach no device
 */
export function recordOfMessage(message: Message): RecordOfMessage {
  if (message.kind === 'report') {
    return { ok: false, fault: `this is the report of a command: ${WANTED}` }
  }
  const { enrollment } = message
  const [id, type] = [enrollment.device, deviceTypeOf(enrollment)]
  const part = { id, type, source: 'nanomdm', channels: [] } as const
  switch (message.messageType) {
    case 'Authenticate':
      return { ok: true, record: { ...part, state: 'authenticated', facts: message.facts } }
    case 'TokenUpdate':
      return isPushable(message.token, message.pushMagic, message.topic)
        ? { ok: true, record: { ...part, ...partOf(message) } }
        : { ok: false, fault: 'no push reaches a device by this Token, PushMagic and Topic' }
    case 'SetBootstrapToken':
      return { ok: true, record: { ...part, bootstrapToken: base64Of(message.bootstrapToken) } }
    default:
      return { ok: false, fault: `${message.messageType} is no part of an enrolment: ${WANTED}` }
  }
}

function partOf({
  enrollment: { user, type },
  ...message
}: Extract<CheckIn, { messageType: 'TokenUpdate' }>): Partial<MovedDevice> {
  const { token, pushMagic: magic, topic, unlockToken, awaitingConfiguration } = message
  const channel: MovedChannel = {
    user,
    isSharedIPad: type === 'Shared iPad',
    token: base64Of(token),
    magic,
    topic,
    ...(awaitingConfiguration !== undefined && { awaitingConfiguration }),
  }
  return user === ''
    ? { channels: [channel], state: 'enrolled', unlockToken: base64Of(unlockToken) }
    : { channels: [channel] }
}

/**
 * The messages by which another server enrols the device of a record: Authenticate, TokenUpdate and
 * SetBootstrapToken of the device, then a TokenUpdate of each user. The order matters: with Authenticate a
 * server forgets what it had of the device. Without a push token of the device there is no enrolment.
 */
export function messagesOfRecord(record: Omit<MovedDevice, 'source'>): Uint8Array[] {
  const { id, type, facts = {}, channels, unlockToken, bootstrapToken } = record
  const own = channels.find(({ user }) => user === '')
  const users = channels.filter(({ user }) => user !== '')
  if (!own?.token) {
    return []
  }
  const ids: PlistDict = type === 'Device' ? { UDID: id } : { EnrollmentID: id }
  const known = Object.fromEntries(Object.entries(facts).filter(([, text]) => text !== ''))
  const unlock: PlistDict = unlockToken ? { UnlockToken: bytesOf(unlockToken) } : {}
  return [
    { ...known, ...ids, MessageType: 'Authenticate', Topic: own.topic },
    { ...ids, ...unlock, ...keysOf(own) },
    ...(bootstrapToken
      ? [{ ...ids, MessageType: 'SetBootstrapToken', BootstrapToken: bytesOf(bootstrapToken) }]
      : []),
    ...users.map((channel) => ({ ...ids, ...userKeys(type, channel), ...keysOf(channel) })),
  ].map(writePlist)
}

function keysOf({ token, magic, topic, awaitingConfiguration }: MovedChannel): PlistDict {
  return {
    MessageType: 'TokenUpdate',
    Token: bytesOf(token),
    PushMagic: magic,
    Topic: topic,
    ...(awaitingConfiguration ? { AwaitingConfiguration: true } : {}),
  }
}

/** The keys that name a user differ by the kind of enrolment (Apple: "Token Update"). */
function userKeys(type: MovedDevice['type'], { user, isSharedIPad }: MovedChannel): PlistDict {
  if (type === 'User Enrollment (Device)') {
    return { EnrollmentUserID: user }
  }
  return isSharedIPad ? { UserID: SHARED_IPAD_USER_ID, UserShortName: user } : { UserID: user }
}

function base64Of(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('base64')
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}
