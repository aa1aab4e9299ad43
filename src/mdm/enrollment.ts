import { ProtocolError } from './errors.ts'

/** NanoMDM's names for the five kinds of enrolment. */
export const ENROLLMENT_TYPES = [
  'Device',
  'User',
  'Shared iPad',
  'User Enrollment (Device)',
  'User Enrollment',
] as const

export type EnrollmentType = (typeof ENROLLMENT_TYPES)[number]

/** The sender of a message: a device channel, or a user channel inside a device. */
export interface Enrollment {
  readonly type: EnrollmentType
  /** The device channel's id, UDID or EnrollmentID: the name of the Device object. */
  readonly device: string
  /** The user channel's own part of the id; empty on the device channel. */
  readonly user: string
}

/** The id keys that Apple's devices put into every message. */
export interface IdKeys {
  readonly UDID?: string | undefined
  readonly UserID?: string | undefined
  readonly UserShortName?: string | undefined
  readonly EnrollmentID?: string | undefined
  readonly EnrollmentUserID?: string | undefined
}

/** Shared iPads send this constant for every user; their UserShortNames differ. */
export const SHARED_IPAD_USER_ID = 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'

/**
 * Each part of an id is an object's name, a key, and a segment of a path in the API. Legitimate ones are
 * shorter.
 */
const MAX_PART = 256
const DEVICE_FORM = /^[!-~]+$/
/**
 * In lists and logs these look like other characters, or are invisible; the URL parser removes some of them.
 */
const UNREADABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u

/** Whether people can tell a name from others: it has no control characters, and no blanks at its ends. */
export function isReadable(name: string): boolean {
  return name !== '' && name === name.trim() && !UNREADABLE.test(name) && !/^\.\.?$/.test(name)
}

/**
 * Why a text cannot be a device channel's id; `undefined` when it can. UDIDs and EnrollmentIDs are opaque
 * ASCII.
 */
function faultOfDevice(id: string): string | undefined {
  return (
    faultOfPart(id) ??
    (DEVICE_FORM.test(id)
      ? undefined
      : 'a UDID or EnrollmentID holds printable ASCII characters without blanks')
  )
}

/**
 * Why a text cannot be a user's part of an id: a UserID, a directory's short name, a Managed Apple Account.
 * With a colon it would be the full id of another device's user. Account names of macOS and Apple have no
 * colon.
 */
function faultOfPart(part: string): string | undefined {
  if (part.trim() === '') {
    return 'it is empty'
  }
  if (part.length > MAX_PART) {
    return `it is longer than ${MAX_PART} characters`
  }
  if (part !== part.trim()) {
    return 'there is white space at an end'
  }
  if (part.includes(':')) {
    return 'a colon parts a device from its user, and is in neither'
  }
  if (UNREADABLE.test(part)) {
    return 'it holds control characters or invisible ones'
  }
  // The URL parser resolves both, escaped or not, so that no path leads to them.
  if (part === '.' || part === '..') {
    return 'dots alone are no id'
  }
  return part.toUpperCase() === SHARED_IPAD_USER_ID
    ? 'this UserID is the same on every Shared iPad: name the channel as UDID:UserShortName'
    : undefined
}

/**
 * Why an id that an admin or a message names cannot be that of an enrolment; `undefined` when it can. Both
 * follow the same grammar: a device that the API cannot address cannot enrol.
 *
 * @param id `UDID`, `EnrollmentID`, `UDID:UserID`, `EnrollmentID:EnrollmentUserID`, `UDID:UserShortName`,
 * or a bare UserID
 */
export function faultOfId(id: string): string | undefined {
  const { device, user } = splitEnrollmentId(id)
  if (user === '' && device !== id) {
    return 'not an enrolment id: no UserID follows the colon'
  }
  // A bare id may be a user's, which allows more characters than a device's.
  const fault = user === '' ? faultOfPart(id) : (faultOfDevice(device) ?? faultOfPart(user))
  return fault && `not an enrolment id: ${fault}`
}

/** The same for the id of a device alone. */
export function faultOfDeviceId(id: string): string | undefined {
  const fault = faultOfDevice(id)
  return fault && `not the id of a device: ${fault}`
}

/**
 * The enrolment that a message belongs to (Apple: "Check-in"; Shared iPads send a constant UserID). UDID
 * and EnrollmentID exclude each other; UDID is read first.
 *
 * @throws ProtocolError `missing_ids` or `bad_id`
 */
export function enrollmentOf(ids: IdKeys): Enrollment {
  const { UDID, UserID, UserShortName, EnrollmentID, EnrollmentUserID } = ids
  if (UDID) {
    if (!UserID) {
      return checked('Device', UDID)
    }
    if (UserID !== SHARED_IPAD_USER_ID) {
      return checked('User', UDID, UserID)
    }
    if (!UserShortName) {
      throw new ProtocolError('missing_ids', 'a Shared iPad user without UserShortName')
    }
    return checked('Shared iPad', UDID, UserShortName)
  }
  if (EnrollmentID) {
    return EnrollmentUserID
      ? checked('User Enrollment', EnrollmentID, EnrollmentUserID)
      : checked('User Enrollment (Device)', EnrollmentID)
  }
  throw new ProtocolError('missing_ids', 'neither UDID nor EnrollmentID')
}

function checked(type: EnrollmentType, device: string, user?: string): Enrollment {
  const fault = faultOfDevice(device) ?? (user === undefined ? undefined : faultOfPart(user))
  if (fault !== undefined) {
    throw new ProtocolError('bad_id', `the id of the enrolment is not valid: ${fault}`)
  }
  return { type, device, user: user ?? '' }
}

/**
 * Whether an id has a form that only UDIDs have: those of iPhones, iPads and Apple TVs. A UserID is a UUID.
 */
export function isUdidOfMobile(id: string): boolean {
  return /^([\da-f]{40}|[\da-f]{8}-[\da-f]{16})$/i.test(id)
}

export type DeviceType = 'Device' | 'User Enrollment (Device)'

const DEVICE_TYPES: Readonly<Record<EnrollmentType, DeviceType>> = {
  Device: 'Device',
  User: 'Device',
  'Shared iPad': 'Device',
  'User Enrollment (Device)': 'User Enrollment (Device)',
  'User Enrollment': 'User Enrollment (Device)',
}

/** The type of the device channel, for either channel of the device. */
export function deviceTypeOf({ type }: Enrollment): DeviceType {
  return DEVICE_TYPES[type]
}

/** The enrolment id as NanoMDM and our own API write it: `UDID`, `UDID:UserID`, `EnrollmentID`, …. */
export function enrollmentId(device: string, user: string): string {
  return user === '' ? device : `${device}:${user}`
}

/**
 * Splits an id that an admin named. A bare id may be a device's or, as in MicroMDM's API, a UserID: only
 * the object of that name knows.
 */
export function splitEnrollmentId(id: string): { device: string; user: string } {
  const colon = id.indexOf(':')
  return colon === -1
    ? { device: id, user: '' }
    : { device: id.slice(0, colon), user: id.slice(colon + 1) }
}
