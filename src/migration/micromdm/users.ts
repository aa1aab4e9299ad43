import { enrollmentId, faultOfId, SHARED_IPAD_USER_ID } from '../../mdm/enrollment.ts'
import type { MovedSetupUser } from '../records.ts'
import type { KnownDevice } from './ids.ts'
import { base64Of, type FleetNotes, keep, remark } from './notes.ts'
import type { UserRecord } from './records.ts'
import type { DeviceTables, Row } from './tables.ts'

/** A user of a device that has a channel of its own. */
export interface KnownUser {
  /** UDID of the device. */
  readonly udid: string
  /** The user in the channel's id: a UserID, or the short name on a Shared iPad. */
  readonly user: string
  /** Of its push token and its queue. */
  readonly userId: string
}

/** The administrator accounts that Macs get at enrolment: they belong to no device. */
export function setupUsersOf({ users }: DeviceTables): MovedSetupUser[] {
  return users.filter(isSetupUser).map(({ key: uuid, record }) => ({
    uuid,
    shortName: record.shortName,
    longName: record.longName,
    hidden: record.isHidden,
    passwordHash: base64Of(record.passwordHash),
  }))
}

function isSetupUser({ record }: Row<UserRecord>): boolean {
  return record.udid === '' && record.userId === ''
}

/** The users of devices, by UDID. Users of devices that the file does not have are kept. */
export function findUsers(
  tables: DeviceTables,
  devices: ReadonlyMap<string, KnownDevice>,
  notes: FleetNotes,
): ReadonlyMap<string, readonly KnownUser[]> {
  const found: KnownUser[] = []
  const taken = new Set<string>()
  for (const row of lookedUpFirst(tables).filter((one) => !isSetupUser(one))) {
    const { userId } = row.record
    const user = userId === '' ? undefined : userOf(tables, row, devices, notes)
    if (user !== undefined && !taken.has(userId)) {
      taken.add(userId)
      found.push(user)
      continue
    }
    if (user !== undefined) {
      const text = 'It has two user records, and the one that MicroMDM looks up is moved.'
      remark(notes, 'user_twice', userId, text)
    }
    keep(notes, 'user', row.key, row.value)
  }
  if (tables.push.has(SHARED_IPAD_USER_ID) && !taken.has(SHARED_IPAD_USER_ID)) {
    const text =
      'The push token of Shared iPads is left out: the device that sent it last is not certain.'
    remark(notes, 'shared_ipad', SHARED_IPAD_USER_ID, text)
  }
  const ids = new Set([SHARED_IPAD_USER_ID, ...tables.users.map(({ record }) => record.userId)])
  for (const { key, value } of tables.push.values()) {
    if (ids.has(key) && !taken.has(key) && !devices.has(key)) {
      keep(notes, 'push_info', key, value)
    }
  }
  return Map.groupBy(found, ({ udid }) => udid)
}

/** Of two records of a UserID, the one that MicroMDM looks up comes first. */
function lookedUpFirst({ users, userIndex }: DeviceTables): readonly Row<UserRecord>[] {
  const isLookedUp = ({ key, record }: Row<UserRecord>): boolean =>
    userIndex.get(record.userId) === key
  return [...users.filter(isLookedUp), ...users.filter((row) => !isLookedUp(row))]
}

function userOf(
  tables: DeviceTables,
  { record }: Row<UserRecord>,
  devices: ReadonlyMap<string, KnownDevice>,
  notes: FleetNotes,
): KnownUser | undefined {
  const { udid, userId, shortName } = record
  if (!devices.has(udid)) {
    const text = `Its device ${JSON.stringify(udid)} is not in the file: its channel is not moved.`
    remark(notes, 'user_without_device', userId, text)
    return undefined
  }
  const isShared = userId === SHARED_IPAD_USER_ID
  if (isShared && !isLastOnShared(tables, record)) {
    return undefined
  }
  const user = isShared ? shortName : userId
  const fault = faultOfId(enrollmentId(udid, user))
  if (fault !== undefined) {
    remark(notes, 'bad_id', user, `It is ${fault}.`)
    return undefined
  }
  if (isShared) {
    const text =
      'MicroMDM has one push token and one queue for all Shared iPads. The token is of the last user, ' +
      `${user} of ${udid}. All others return with the next TokenUpdate.`
    remark(notes, 'shared_ipad', userId, text)
  }
  return { udid, user, userId }
}

/** The user record and the push token of all Shared iPads are of the same TokenUpdate. */
function isLastOnShared({ push }: DeviceTables, { token, shortName }: UserRecord): boolean {
  const info = push.get(SHARED_IPAD_USER_ID)?.record
  return shortName !== '' && token !== '' && info?.token === token
}
