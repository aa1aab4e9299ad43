import { Buffer } from 'node:buffer'
import { SHARED_IPAD_USER_ID } from '../../mdm/enrollment.ts'
import { type DeviceFacts, shown, shownSerial } from '../../mdm/message.ts'
import { isPushMagic, isPushToken, isPushTopic } from '../../mdm/push-values.ts'
import type { MovedChannel, MovedDevice } from '../moved.ts'
import type { KnownDevice } from './ids.ts'
import { base64Of, type FleetNotes, remark } from './notes.ts'
import { commandsOf, millisecondsOf } from './queue.ts'
import type { DeviceRecord, PushRecord } from './records.ts'
import type { DeviceTables } from './tables.ts'
import type { KnownUser } from './users.ts'

/** All that the file has on one device. */
export function deviceOf(
  id: string,
  known: KnownDevice,
  users: readonly KnownUser[],
  tables: DeviceTables,
  notes: FleetNotes,
): MovedDevice {
  const { type, record } = known
  const push = tables.push.get(id)?.record ?? pushOfRecord(id, record, notes)
  const state = stateOf(known, push !== undefined)
  const isBlocked = tables.blocked.has(id)
  remarkOn(id, known, state, isBlocked, notes)
  const pushOf = (key: string): PushRecord | undefined =>
    state === 'retired' ? undefined : key === id ? push : tables.push.get(key)?.record
  const device = channelOf(id, '', pushOf(id), tables, notes)
  const hasChannel = state !== undefined || (device.commands?.length ?? 0) > 0
  const awaiting = record && { awaitingConfiguration: record.isAwaitingConfiguration }
  const bindings = type === 'Device' && state ? (known.bindings ?? []) : undefined
  return {
    id,
    type,
    source: 'micromdm',
    ...(state && { state }),
    blocked: isBlocked,
    channels: [
      ...(hasChannel ? [{ ...device, ...awaiting }] : []),
      ...users.map(({ user, userId }) => channelOf(userId, user, pushOf(userId), tables, notes)),
    ],
    ...(record && valuesOf(id, record, notes)),
    ...(bindings && { bindings }),
  }
}

function stateOf(
  { record, bindings }: KnownDevice,
  hasPush: boolean,
): MovedDevice['state'] | undefined {
  if (record !== undefined) {
    return record.isEnrolled ? 'enrolled' : hasPush ? 'checked_out' : 'authenticated'
  }
  return bindings !== undefined ? 'retired' : hasPush ? 'enrolled' : undefined
}

function remarkOn(
  id: string,
  { type, record, bindings }: KnownDevice,
  state: MovedDevice['state'] | undefined,
  isBlocked: boolean,
  notes: FleetNotes,
): void {
  if (state === 'retired') {
    const text =
      'MicroMDM has its certificate, but no device record: it was removed, or has another UDID now.'
    remark(notes, 'retired', id, text)
  } else if (record === undefined && type === 'Device' && state !== undefined) {
    const text = 'It has a push token, but neither a device record nor a bound certificate.'
    remark(notes, 'no_device_record', id, text)
  } else if (record !== undefined && bindings === undefined) {
    const text = 'MicroMDM has bound no certificate to it: nothing proves which one is its own.'
    remark(notes, 'unproven', id, text)
  }
  if (isBlocked) {
    const text = 'It is blocked: when it connects, it is told to remove its management profile.'
    remark(notes, 'blocked', id, text)
  }
}

/** The record has token and magic of the last TokenUpdate too, but no topic. */
function pushOfRecord(
  id: string,
  record: DeviceRecord | undefined,
  notes: FleetNotes,
): PushRecord | undefined {
  if (record === undefined || record.token === '') {
    return undefined
  }
  const text = 'Its push token is taken from its device record, which does not say the topic.'
  remark(notes, 'push_info_missing', id, text)
  return { key: id, token: record.token, magic: record.magic, topic: '' }
}

/** @param key a UDID, a UserID or an EnrollmentID: the key of its queue */
function channelOf(
  key: string,
  user: string,
  push: PushRecord | undefined,
  { queues }: DeviceTables,
  notes: FleetNotes,
): MovedChannel {
  const isSharedIPad = key === SHARED_IPAD_USER_ID
  const queue = queues?.get(key)
  return {
    user,
    ...(isSharedIPad && { isSharedIPad }),
    ...pushValues(key, push, notes),
    ...(queues && !isSharedIPad && { commands: queue ? commandsOf(queue, notes) : [] }),
  }
}

function pushValues(
  id: string,
  push: PushRecord | undefined,
  notes: FleetNotes,
): Pick<MovedChannel, 'token' | 'magic' | 'topic'> {
  if (push === undefined) {
    return { token: '', magic: '', topic: '' }
  }
  const token = bytesOf(id, 'push token', push.token, notes)
  const topic = push.topic === '' ? undefined : push.topic
  return {
    token: checked(id, 'push token', token, isPushToken, notes)?.toString('base64') ?? '',
    magic: checked(id, 'push magic', push.magic, isPushMagic, notes) ?? '',
    topic: checked(id, 'push topic', topic, isPushTopic, notes) ?? '',
  }
}

function checked<Value>(
  id: string,
  what: string,
  value: Value | undefined,
  isGood: (value: Value) => boolean,
  notes: FleetNotes,
): Value | undefined {
  if (value !== undefined && !isGood(value)) {
    remark(notes, 'bad_value', id, `Its ${what} is none that Apple gives, and is left out.`)
    return undefined
  }
  return value
}

/** The bytes of a hex value; `undefined` where it is empty, or is none. */
function bytesOf(id: string, what: string, hex: string, notes: FleetNotes): Buffer | undefined {
  if (/^(?:[\da-f]{2})*$/i.test(hex)) {
    return hex === '' ? undefined : Buffer.from(hex, 'hex')
  }
  remark(notes, 'bad_value', id, `Its ${what} is not hex, and is left out.`)
  return undefined
}

/** What the record says beside the push token. */
function valuesOf(id: string, record: DeviceRecord, notes: FleetNotes): Partial<MovedDevice> {
  const unlockToken = bytesOf(id, 'unlock token', record.unlockToken, notes)
  const lastSeen = millisecondsOf(record.lastSeen)
  return {
    facts: factsOf(record),
    ...(lastSeen > 0 && { lastSeen }),
    ...(unlockToken && { unlockToken: unlockToken.toString('base64') }),
    ...(record.bootstrapToken.length > 0 && { bootstrapToken: base64Of(record.bootstrapToken) }),
  }
}

/** The facts that it has, cut as those in a device's messages. */
function factsOf({ facts }: DeviceRecord): Partial<DeviceFacts> {
  return Object.fromEntries(
    Object.entries(facts)
      .filter(([, fact]) => fact !== '')
      .map(([name, fact]) => [name, name === 'SerialNumber' ? shownSerial(fact) : shown(fact)]),
  )
}
