import type { EnrollmentType } from '../../mdm/enrollment.ts'
import type { DeviceFacts } from '../../mdm/message.ts'
import type { Renewal } from '../store/installed.ts'
import type { Channel } from '../store/channel-row.ts'
import { ANNOUNCE_AFTER, wakeBy, type Context, type ToAnnounce } from '../store/context.ts'
import { saveDevice } from '../store/rows/save.ts'
import { isUnproven, type DeviceRow } from '../store/rows/device.ts'
import { isSerialProven, listedSerial } from './serial-claim.ts'

/** A device as the directory lists it. The directory accepts only a newer `version`. */
export interface DirectoryRow {
  readonly id: string
  readonly type: EnrollmentType
  readonly enrolled: boolean
  readonly hidden: boolean
  /** Absent from objects of a version before contests. */
  readonly contested?: boolean
  /** Since when it reports its serial number, and whether that is proven to be its own. */
  readonly claimedAt: number
  readonly serialProven: boolean
  readonly lastSeen: number
  readonly facts: DeviceFacts
  /** Fingerprint and expiry of the certificate that it signs with; empty and 0 while none is known. */
  readonly identity: string
  readonly identityNotAfter: number
  readonly renewal: Pick<Renewal, 'state' | 'reason' | 'at'>
  readonly state: DeviceRow['state']
  readonly push: PushState
  /** The users with a claim to their bare UserIDs; absent if the device has no user channels. */
  readonly users?: readonly string[]
  /** Absent from objects of a version before these facts were listed. */
  readonly standing?: ListedStanding
  readonly version: number
}

/** What lists say of the enrolment. Only writes that happen anyway bring it to the directory. */
export interface ListedStanding {
  /** Milliseconds; 0 if it is not known. */
  readonly enrolledAt: number
  /** Empty if it is not known: the device enrolled when no row had `enrolledAt`. */
  readonly enrollment: 'automated' | 'device' | 'user' | ''
  readonly supervised: boolean | undefined
  readonly blocked: boolean
  /** The short names of its users, as far as there is room in a list. */
  readonly userNames: readonly string[]
}

/** `none`: it never sent a token, or left; `failing`: APNs no longer accepts its token. */
export type PushState = 'none' | 'ready' | 'failing'

export function pushStateOf(channel: Pick<Channel, 'token' | 'flag'> | undefined): PushState {
  if (!channel?.token) {
    return 'none'
  }
  return channel.flag === '' ? 'ready' : 'failing'
}

/** The device sent a message that changes its row in the directory. */
export function noteChange(context: Context): void {
  context.state.device.lastSeen = context.now
  listAnew(context)
}

/** Announces the device's row to the directory anew, and writes it. */
export function listAnew(context: Context): void {
  const { device } = context.state
  device.version = Math.max(context.now, device.version + 1)
  context.effects.toAnnounce.directory = true
  if (!context.effects.toAnnounce.awaited) {
    unlisted(context)
  }
  saveDevice(context)
}

/** The directory has the same row from the claim of the certificate: the next change hands out a row. */
export function leaveListed({ effects }: Context): void {
  Object.assign(effects.toAnnounce, { directory: false, awaited: false })
}

/** The directory could not store the row: the alarm announces it again. */
export function unlisted(context: Context): void {
  wakeBy(context, context.now + ANNOUNCE_AFTER)
}

/** Announces a row again that is not stored after a minute: a process may have ended before it was. */
export function announceOverdue({ state: { device }, effects, now }: Context): void {
  if (device.projected < device.version && now - device.lastSeen >= ANNOUNCE_AFTER) {
    effects.toAnnounce.directory = true
  }
}

/** The device's row for the directory; `undefined` if the directory has it already. */
export function directoryRow(context: Context): DirectoryRow | undefined {
  const { device } = context.state
  return device.projected >= device.version ? undefined : presentRow(context)
}

/** The same, whether the directory has it or not; `undefined` if no device is here. */
export function presentRow(context: Context): DirectoryRow | undefined {
  const { device } = context.state
  const { state, reason, at } = device.installed.renewal
  const SerialNumber = listedSerial(context)
  return device.state === 'unknown'
    ? undefined
    : {
        id: device.name,
        type: device.type,
        enrolled: device.state === 'enrolled',
        hidden: device.hidden,
        contested: isUnproven(device),
        claimedAt: device.claimedAt,
        serialProven: isSerialProven(context.state, SerialNumber),
        lastSeen: device.lastSeen,
        facts: { ...device.facts, SerialNumber },
        ...identityOf(context),
        renewal: { state, reason, at },
        state: device.state,
        push: pushStateOf(context.state.channels[0]),
        ...usersOf(context),
        standing: listedStanding(context),
        version: device.version,
      }
}

const MAX_NAMES_LENGTH = 256

function listedStanding({ state: { device, channels } }: Context): ListedStanding {
  const { enrolledAt, automated, supervised } = device.installed
  const ofDevice = automated ? 'automated' : enrolledAt > 0 ? 'device' : ''
  let room = MAX_NAMES_LENGTH
  const names = channels.flatMap(({ enabled, shortName }) => (enabled && shortName) || [])
  return {
    enrolledAt,
    enrollment: device.type.startsWith('User Enrollment') ? 'user' : ofDevice,
    supervised,
    blocked: device.blocked,
    userNames: [...new Set(names)].filter((name) => (room -= name.length) >= 0),
  }
}

/**
 * The row is part of a queue message, which holds 128 KB. If the list is left out, a look-up finds the claims
 * that have ended.
 */
const MAX_USERS_BYTES = 64_000

/** Users with a claim to their bare UserIDs: all of a device, unless it invents very long ones. */
function usersOf({ state: { channels } }: Context): Pick<DirectoryRow, 'users'> {
  const users = channels.filter(({ claim }) => claim !== 'none').map(({ user }) => user)
  const { length } = new TextEncoder().encode(JSON.stringify(users))
  return channels.length > 1 && length <= MAX_USERS_BYTES ? { users } : {}
}

/** The identity in use, if it is one of the present enrolment. */
function identityOf({
  state: { device, identities },
}: Context): Pick<DirectoryRow, 'identity' | 'identityNotAfter'> {
  const identity = identities.find(
    ({ fingerprint, epoch }) => fingerprint === device.installed.identity && epoch === device.epoch,
  )
  return { identity: identity?.fingerprint ?? '', identityNotAfter: identity?.notAfter ?? 0 }
}

/** What the Worker passes on after a message, or the queue after other changes. It has the row itself. */
export interface AnnouncementBody {
  /** Subscribers that have events to read. */
  readonly readers: readonly string[]
  readonly directory: DirectoryRow | undefined
  /** No alarm announces the row again: the directory has to have it before the device gets its answer. */
  readonly awaited?: true
  /** The blueprints of the device have to be read. */
  readonly setup?: true
}

export function announcementOf(
  context: Context,
  { subscribers, directory, awaited }: ToAnnounce = context.effects.toAnnounce,
): AnnouncementBody {
  return {
    readers: subscribers,
    // An earlier row may not be stored, if a process ended in between.
    directory: directory || awaited ? directoryRow(context) : undefined,
    ...(awaited ? { awaited } : {}),
  }
}

/** The directory has the row of this version. */
export function projected(context: Context, version: number): void {
  const { device } = context.state
  if (version > device.projected) {
    device.projected = version
    context.effects.settled = true
    saveDevice(context)
  }
}
