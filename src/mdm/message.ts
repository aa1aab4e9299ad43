import { isPushMagic, MAX_PUSH_VALUE } from './push-values.ts'
import { PlistError } from '../plist/error.ts'
import { type Entries, exactBytes, exactString } from '../plist/entries.ts'
import { readEntries } from '../plist/read.ts'
import { textAt } from '../plist/dict.ts'
import type { PlistDict } from '../plist/value.ts'
import { enrollmentOf, type Enrollment, SHARED_IPAD_USER_ID } from './enrollment.ts'
import { ProtocolError } from './errors.ts'

export const REPORT_STATUSES = [
  'Acknowledged',
  'Error',
  'CommandFormatError',
  'NotNow',
  'Idle',
] as const

export type ReportStatus = (typeof REPORT_STATUSES)[number]

/** A device's message that requests work or reports a command's result. */
export interface Report {
  readonly kind: 'report'
  readonly enrollment: Enrollment
  /** As sent. Any text that is not a {@link ReportStatus} is handled as Idle. */
  readonly status: string
  readonly commandUUID: string | undefined
}

/** The facts about a device in Authenticate, for the directory. */
export interface DeviceFacts {
  readonly SerialNumber: string
  readonly DeviceName: string
  readonly Model: string
  readonly ModelName: string
  readonly ProductName: string
  readonly OSVersion: string
  readonly BuildVersion: string
  readonly IMEI: string
  readonly MEID: string
}

/** The facts of a device that has reported none. */
export const NO_FACTS: DeviceFacts = {
  SerialNumber: '',
  DeviceName: '',
  Model: '',
  ModelName: '',
  ProductName: '',
  OSVersion: '',
  BuildVersion: '',
  IMEI: '',
  MEID: '',
}

interface CheckInBase {
  readonly kind: 'checkin'
  readonly enrollment: Enrollment
}

/** A check-in message. `MessageType` distinguishes the kinds. */
export type CheckIn = CheckInBase &
  (
    | { readonly messageType: 'Authenticate'; readonly topic: string; readonly facts: DeviceFacts }
    | {
        readonly messageType: 'TokenUpdate'
        readonly topic: string
        readonly token: Uint8Array
        readonly pushMagic: string
        /** Absent means unchanged: the stored token stays. */
        readonly unlockToken: Uint8Array | undefined
        readonly awaitingConfiguration: boolean | undefined
        readonly userShortName: string
        readonly userLongName: string
      }
    | { readonly messageType: 'CheckOut' }
    | { readonly messageType: 'UserAuthenticate' }
    | { readonly messageType: 'SetBootstrapToken'; readonly bootstrapToken: Uint8Array | undefined }
    | { readonly messageType: 'GetBootstrapToken' }
    | { readonly messageType: 'GetToken' }
    | {
        readonly messageType: 'DeclarativeManagement'
        readonly endpoint: string
        readonly data: Uint8Array | undefined
      }
  )

export type MessageType = CheckIn['messageType']
export type Message = CheckIn | Report

/** Tokens that devices escrow: Apple's have some kilobytes. Each is stored in one row. */
const MAX_TOKEN_BYTES = 500_000

/** A fact is a column of a list, and a status one of an event. The event's payload has all of it. */
const MAX_SHOWN = 256

/** A fact about a device, cut to the length that lists show. */
export function shown(text: string): string {
  return text.slice(0, MAX_SHOWN).toWellFormed()
}

/** A serial number for lists; empty for one that is broken, because two broken ones could look the same. */
export function shownSerial(text: string): string {
  return text.includes('\ufffd') ? '' : shown(text)
}

/** A UUID, unless an admin chose another text. */
const MAX_COMMAND_UUID = 10_000

/** It holds a declaration's identifier, and is part of a URL. */
const MAX_ENDPOINT = 2048

const FACT_KEYS = [
  'SerialNumber',
  'DeviceName',
  'Model',
  'ModelName',
  'ProductName',
  'OSVersion',
  'BuildVersion',
  'IMEI',
  'MEID',
] as const

/** Only these keys are needed. A megabyte of inventory beside them is skipped, and never built. */
export const MESSAGE_KEYS: ReadonlySet<string> = new Set([
  'UDID',
  'UserID',
  'UserShortName',
  'EnrollmentID',
  'EnrollmentUserID',
  ...FACT_KEYS,
  'MessageType',
  'Status',
  'CommandUUID',
  'Topic',
  'Token',
  'PushMagic',
  'UnlockToken',
  'AwaitingConfiguration',
  'UserLongName',
  'BootstrapToken',
  'Endpoint',
  'Data',
])

/**
 * Reads a message that a device PUT to a check-in or connect URL. The body tells which of the two it is:
 * profiles with only a ServerURL exist, and MicroMDM never checked the content type.
 *
 * Keys that address something, or that are kept for the device, have to be unchanged: two broken ids must
 * not become one. Other text is repaired, and a value of another type counts as absent (Apple: "Check-in",
 * "Sending MDM commands to a device").
 *
 * @throws ProtocolError when the body is not a plist dictionary, or a required key is absent or cannot be
 * read
 */
export function readMessage(body: Uint8Array): Message {
  try {
    const entries = readEntries(body, MESSAGE_KEYS)
    const ids = readIds(entries)
    const messageType = exactString(entries, 'MessageType')
    return messageType === undefined
      ? readReport(entries, ids)
      : readCheckIn(entries, ids, messageType)
  } catch (error) {
    if (error instanceof PlistError) {
      throw new ProtocolError('malformed', error.message)
    }
    throw error
  }
}

function readIds(entries: Entries): Enrollment {
  const UserID = exactString(entries, 'UserID')
  return enrollmentOf({
    UDID: exactString(entries, 'UDID'),
    UserID,
    // On a Mac it is a name like any other.
    UserShortName:
      UserID === SHARED_IPAD_USER_ID ? exactString(entries, 'UserShortName') : undefined,
    EnrollmentID: exactString(entries, 'EnrollmentID'),
    EnrollmentUserID: exactString(entries, 'EnrollmentUserID'),
  })
}

function readReport(entries: Entries, enrollment: Enrollment): Report {
  const status = exactString(entries, 'Status')
  if (!status) {
    throw new ProtocolError('missing_status', 'neither MessageType nor Status')
  }
  const commandUUID = bounded(entries, 'CommandUUID', MAX_COMMAND_UUID)
  return { kind: 'report', enrollment, status: shown(status), commandUUID }
}

function readCheckIn(entries: Entries, enrollment: Enrollment, messageType: string): CheckIn {
  const { dict } = entries
  const base = { kind: 'checkin', enrollment } as const
  if (messageType === 'Authenticate' && enrollment.user !== '') {
    throw new ProtocolError('malformed', 'Authenticate on a user channel')
  }
  switch (messageType) {
    case 'Authenticate':
      return {
        ...base,
        messageType,
        topic: exactString(entries, 'Topic') ?? '',
        facts: readFacts(dict),
      }
    case 'TokenUpdate':
      return {
        ...base,
        messageType,
        topic: bounded(entries, 'Topic', MAX_PUSH_VALUE) ?? '',
        token: required(token(entries, 'Token', MAX_PUSH_VALUE), 'Token'),
        pushMagic: readMagic(entries),
        unlockToken: token(entries, 'UnlockToken'),
        awaitingConfiguration: flagAt(dict, 'AwaitingConfiguration'),
        userShortName: textAt(dict, 'UserShortName'),
        userLongName: textAt(dict, 'UserLongName'),
      }
    case 'SetBootstrapToken':
      return { ...base, messageType, bootstrapToken: token(entries, 'BootstrapToken') }
    case 'DeclarativeManagement':
      return {
        ...base,
        messageType,
        endpoint: required(bounded(entries, 'Endpoint', MAX_ENDPOINT), 'Endpoint'),
        data: exactBytes(entries, 'Data'),
      }
    case 'CheckOut':
    case 'UserAuthenticate':
    case 'GetBootstrapToken':
    case 'GetToken':
      return { ...base, messageType }
    default:
      throw new ProtocolError('unknown_message_type', `MessageType ${messageType.slice(0, 64)}`)
  }
}

function readFacts(dict: PlistDict): DeviceFacts {
  const fact = (key: (typeof FACT_KEYS)[number]): string => shown(textAt(dict, key))
  return {
    SerialNumber: shownSerial(textAt(dict, 'SerialNumber')),
    DeviceName: fact('DeviceName'),
    Model: fact('Model'),
    ModelName: fact('ModelName'),
    ProductName: fact('ProductName'),
    OSVersion: fact('OSVersion'),
    BuildVersion: fact('BuildVersion'),
    IMEI: fact('IMEI'),
    MEID: fact('MEID'),
  }
}

function flagAt(dict: PlistDict, key: string): boolean | undefined {
  const value = dict[key]
  return typeof value === 'boolean' ? value : undefined
}

function token(entries: Entries, key: string, most = MAX_TOKEN_BYTES): Uint8Array | undefined {
  const bytes = exactBytes(entries, key)
  if (bytes && bytes.length > most) {
    throw new ProtocolError('malformed', `${key} is longer than ${most} bytes`)
  }
  return bytes
}

function bounded(entries: Entries, key: string, most: number): string | undefined {
  const text = exactString(entries, key)
  if (text !== undefined && text.length > most) {
    throw new ProtocolError('malformed', `${key} is longer than ${most} characters`)
  }
  return text
}

function readMagic(entries: Entries): string {
  const magic = required(exactString(entries, 'PushMagic'), 'PushMagic')
  if (!isPushMagic(magic)) {
    throw new ProtocolError('malformed', `PushMagic is longer than ${MAX_PUSH_VALUE} bytes`)
  }
  return magic
}

function required<T>(value: T | undefined, key: string): T {
  if (value === undefined) {
    throw new ProtocolError('missing_field', `${key} is missing`)
  }
  return value
}
