import { ProtocolError } from './errors.ts'

/** NanoMDM's words for the five kinds of enrolment (spec/peers.md §2.5). */
export type EnrollmentType =
  | 'Device'
  | 'User'
  | 'Shared iPad'
  | 'User Enrollment (Device)'
  | 'User Enrollment'

/** Who sent a message: a device channel, or a user channel inside a device. */
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

/** Shared iPad sends this constant for every user; UserShortName tells them apart. */
export const SHARED_IPAD_USER_ID = 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'

/** Ids are opaque, but they become object names and keys: nothing legitimate is longer. */
const MAX_ID_LENGTH = 256

/**
 * Tells which enrolment a message belongs to.
 * @throws ProtocolError `missing_ids` or `id_too_long`.
 * Source: spec/apple-protocol.md §0 (UDID and EnrollmentID exclude each other; UDID is read first).
 */
export function enrollmentOf(ids: IdKeys): Enrollment {
  const { UDID, UserID, UserShortName, EnrollmentID, EnrollmentUserID } = ids
  if (UDID) {
    if (!UserID) {
      return checked('Device', UDID, '')
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
      : checked('User Enrollment (Device)', EnrollmentID, '')
  }
  throw new ProtocolError('missing_ids', 'neither UDID nor EnrollmentID')
}

function checked(type: EnrollmentType, device: string, user: string): Enrollment {
  if (device.length > MAX_ID_LENGTH || user.length > MAX_ID_LENGTH) {
    throw new ProtocolError('id_too_long', `an id longer than ${MAX_ID_LENGTH} characters`)
  }
  return { type, device, user }
}

const DEVICE_TYPES: Readonly<Record<EnrollmentType, 'Device' | 'User Enrollment (Device)'>> = {
  Device: 'Device',
  User: 'Device',
  'Shared iPad': 'Device',
  'User Enrollment (Device)': 'User Enrollment (Device)',
  'User Enrollment': 'User Enrollment (Device)',
}

/** The type of the device channel, whichever of its channels spoke. */
export function deviceTypeOf({ type }: Enrollment): EnrollmentType {
  return DEVICE_TYPES[type]
}

/** The enrolment id as NanoMDM and our own API write it: `UDID`, `UDID:UserID`, `EnrollmentID`, …. */
export function enrollmentId(device: string, user: string): string {
  return user === '' ? device : `${device}:${user}`
}

/**
 * Splits an id that an admin named. A bare id may be a device or, as MicroMDM keys user channels, a UserID:
 * only the object of that name knows.
 */
export function splitEnrollmentId(id: string): { device: string; user: string } {
  const colon = id.indexOf(':')
  return colon === -1
    ? { device: id, user: '' }
    : { device: id.slice(0, colon), user: id.slice(colon + 1) }
}
