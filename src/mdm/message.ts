import { isPushMagic, MAX_PUSH_VALUE } from '../push/request.ts'
import { PlistError } from '../plist/error.ts'
import { readPlistTop } from '../plist/read.ts'
import { boolAt, bytesAt, stringAt } from '../plist/dict.ts'
import type { PlistDict } from '../plist/value.ts'
import { enrollmentOf, type Enrollment } from './enrollment.ts'
import { ProtocolError } from './errors.ts'

export const REPORT_STATUSES = [
  'Acknowledged',
  'Error',
  'CommandFormatError',
  'NotNow',
  'Idle',
] as const

export type ReportStatus = (typeof REPORT_STATUSES)[number]

/** What a device sends to ask for work, or to tell how a command went (spec/apple-protocol.md §2). */
export interface Report {
  readonly kind: 'report'
  readonly enrollment: Enrollment
  /** As sent; anything that is no {@link ReportStatus} is handled as Idle. */
  readonly status: string
  readonly commandUUID: string | undefined
}

/** What Authenticate tells about a device; the directory's facts. */
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

/** A device that has not told anything of itself. */
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

/** A check-in message, told apart by `MessageType` (spec/apple-protocol.md §1). */
export type CheckIn = CheckInBase &
  (
    | { readonly messageType: 'Authenticate'; readonly topic: string; readonly facts: DeviceFacts }
    | {
        readonly messageType: 'TokenUpdate'
        readonly topic: string
        readonly token: Uint8Array
        readonly pushMagic: string
        /** Absent means no news: what is stored stays. */
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

/** Apple's are some kilobytes; what is stored of one is one row. */
const MAX_TOKEN_BYTES = 500_000

/** A fact is a column of a list, and a status one of an event; the whole is in the event's payload. */
const MAX_SHOWN = 256

/** What a device tells of itself, as far as lists show it. */
export function shown(text: string): string {
  return text.slice(0, MAX_SHOWN)
}

/** A UUID, unless an admin chose another text. */
const MAX_COMMAND_UUID = 10_000

/** A declaration's identifier is part of it, and of a URL. */
const MAX_ENDPOINT = 2048

const ID_KEYS = ['UDID', 'UserID', 'UserShortName', 'EnrollmentID', 'EnrollmentUserID']
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

/** The only keys routing needs: a megabyte of inventory beside them is checked, but never built. */
const KEYS: ReadonlySet<string> = new Set([
  ...ID_KEYS,
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
 * Reads what a device PUT to a check-in or connect URL. Which of the two it is, the body tells: profiles
 * exist with only a ServerURL, and MicroMDM never looked at the content type.
 * @throws ProtocolError when the body is no plist dictionary, or a required key is absent or of a wrong type.
 * Source: Apple "Check-in" and "Send MDM commands to a device"; spec/apple-protocol.md §1, §2.
 */
export function readMessage(body: Uint8Array): Message {
  try {
    const dict = readPlistTop(body, KEYS)
    const ids = enrollmentOf(Object.fromEntries(ID_KEYS.map((key) => [key, stringAt(dict, key)])))
    const messageType = stringAt(dict, 'MessageType')
    return messageType === undefined ? readReport(dict, ids) : readCheckIn(dict, ids, messageType)
  } catch (error) {
    if (error instanceof PlistError) {
      throw new ProtocolError('malformed', error.message)
    }
    throw error
  }
}

function readReport(dict: PlistDict, enrollment: Enrollment): Report {
  const status = stringAt(dict, 'Status')
  if (!status) {
    throw new ProtocolError('missing_status', 'neither MessageType nor Status')
  }
  const commandUUID = bounded(dict, 'CommandUUID', MAX_COMMAND_UUID)
  return { kind: 'report', enrollment, status: shown(status), commandUUID }
}

function readCheckIn(dict: PlistDict, enrollment: Enrollment, messageType: string): CheckIn {
  const base = { kind: 'checkin', enrollment } as const
  if (messageType === 'Authenticate' && enrollment.user !== '') {
    throw new ProtocolError('malformed', 'Authenticate on a user channel')
  }
  switch (messageType) {
    case 'Authenticate':
      return { ...base, messageType, topic: stringAt(dict, 'Topic') ?? '', facts: readFacts(dict) }
    case 'TokenUpdate':
      return {
        ...base,
        messageType,
        topic: bounded(dict, 'Topic', MAX_PUSH_VALUE) ?? '',
        token: required(token(dict, 'Token', MAX_PUSH_VALUE), 'Token'),
        pushMagic: readMagic(dict),
        unlockToken: token(dict, 'UnlockToken'),
        awaitingConfiguration: boolAt(dict, 'AwaitingConfiguration'),
        userShortName: stringAt(dict, 'UserShortName') ?? '',
        userLongName: stringAt(dict, 'UserLongName') ?? '',
      }
    case 'SetBootstrapToken':
      return { ...base, messageType, bootstrapToken: token(dict, 'BootstrapToken') }
    case 'DeclarativeManagement':
      return {
        ...base,
        messageType,
        endpoint: required(bounded(dict, 'Endpoint', MAX_ENDPOINT), 'Endpoint'),
        data: bytesAt(dict, 'Data'),
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
  const fact = (key: (typeof FACT_KEYS)[number]): string => shown(stringAt(dict, key) ?? '')
  return {
    SerialNumber: fact('SerialNumber'),
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

function token(dict: PlistDict, key: string, most = MAX_TOKEN_BYTES): Uint8Array | undefined {
  const bytes = bytesAt(dict, key)
  if (bytes && bytes.length > most) {
    throw new ProtocolError('malformed', `${key} is longer than ${most} bytes`)
  }
  return bytes
}

function bounded(dict: PlistDict, key: string, most: number): string | undefined {
  const text = stringAt(dict, key)
  if (text !== undefined && text.length > most) {
    throw new ProtocolError('malformed', `${key} is longer than ${most} characters`)
  }
  return text
}

function readMagic(dict: PlistDict): string {
  const magic = required(stringAt(dict, 'PushMagic'), 'PushMagic')
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
