import type { EnrollmentType } from '../../../mdm/enrollment.ts'
import { NO_FACTS, type DeviceFacts } from '../../../mdm/message.ts'
import type { MovedChannel, MovedFrom } from '../../../migration/moved.ts'
import type { SetupMark } from './setup.ts'
import { newInstallation, type Installation } from '../installed.ts'

/**
 * The device's part of its row. `unknown`: the object has commands that an admin queued, or nothing.
 * `authenticated`: between Authenticate and the first TokenUpdate. Times are milliseconds; 0 means never.
 */
export interface DeviceRow {
  name: string
  type: EnrollmentType
  state: 'unknown' | 'authenticated' | 'enrolled' | 'checked_out'
  facts: DeviceFacts
  readonly installed: Installation
  /** The number of the enrolment: an identity of a lower epoch is not of this enrolment. */
  epoch: number
  blocked: boolean
  hidden: boolean
  /**
   * `called`: a user channel of another device had this id when the device enrolled, and secret commands are
   * held. `contested`: in addition, admins used the bare id for that user, so the id alone is refused. A
   * release by an admin ends both.
   */
  namesake: '' | 'called' | 'contested'
  /** The present enrolment is not proven, and an earlier one may come back. */
  contest: Contest | undefined
  /** The server that it came from; absent if it enrolled here. */
  moved?: Moved | undefined
  /**
   * The enrolment that was offered declarations; none if an offer is due, because the device enrolled or one
   * of its facts has changed.
   */
  offeredEpoch?: number | undefined
  /** It was offered declarations once: their table is there. */
  declares?: true
  /** The open run of its setup. */
  setup?: SetupMark | undefined
  /** The enrolment whose setup was interrupted by one that is contested. */
  interrupted?: number | undefined
  /** The number of its last run; absent while it had none, and while the table of runs is not there. */
  setups?: number
  /** Since when the device reports its serial number. */
  claimedAt: number
  /** When the Authenticate of a renewal arrived, until its TokenUpdate shows that it was one. */
  renewedAt: number
  /** When its last message came that changed the row. The directory has the time of the others. */
  lastSeen: number
  /** When the row changed last for the directory, always rising; and the change that the directory has. */
  version: number
  projected: number
}

/** A device that enrolled with another server (docs/move-from-micromdm.md). */
export interface Moved {
  readonly source: MovedFrom
  /** When it came first (milliseconds). */
  readonly at: number
  /** The enrolment that came: a later one began here. */
  readonly epoch: number
  /** It has sent a message here, or an admin retired it: a copy of the other server overwrites nothing. */
  readonly called: boolean
  /** Neither a binding of the other server nor an admin vouches for a certificate of it. */
  readonly unproven: boolean
  /** A record has said that it is blocked. An admin may have unblocked it since. */
  readonly blocked: boolean
  /** Push tokens of the other server that an unproven certificate has replaced; a token is base64. */
  readonly replaced: readonly MovedChannel[]
}

/** What a device is to the other server, as long as no record says more. */
export function newlyMoved(
  { now, state }: { readonly now: number; readonly state: { readonly device: DeviceRow } },
  source: MovedFrom,
): Moved {
  const { epoch } = state.device
  return { source, at: now, epoch, called: false, unproven: true, blocked: false, replaced: [] }
}

/** Times are milliseconds. */
export interface Contest {
  /** When the enrolment that is served began to be served, and when it counts as proven. */
  readonly since: number
  readonly until: number
  /** Epochs of the enrolments that are kept: the first one, then others without proof. */
  readonly earlier: readonly number[]
  /** CommandUUIDs of the profiles that may have renewed the identity; empty when it is no renewal. */
  readonly renewal: readonly string[]
  /** When the earlier identities were pushed last. */
  readonly pushedAt: number
}

export function newDevice(name: string): DeviceRow {
  return {
    name,
    type: 'Device',
    state: 'unknown',
    facts: NO_FACTS,
    installed: newInstallation(),
    epoch: 0,
    blocked: false,
    hidden: false,
    namesake: '',
    contest: undefined,
    claimedAt: 0,
    renewedAt: 0,
    lastSeen: 0,
    version: 0,
    projected: 0,
  }
}

/** A device from its row, with defaults for facts that the row does not have yet. */
export function readDevice(name: string, stored: Partial<DeviceRow>): DeviceRow {
  return {
    ...newDevice(name),
    ...stored,
    facts: { ...NO_FACTS, ...stored.facts },
    installed: { ...newInstallation(), ...stored.installed },
  }
}

/** Whether the device may be another one than the id says: secrets and destructive commands wait. */
export function isUnproven({ contest, moved }: Pick<DeviceRow, 'contest' | 'moved'>): boolean {
  return contest !== undefined || moved?.unproven === true
}

/** Whether the device has to be offered declarations: it enrolled, or one of its facts has changed. */
export function isOfferDue({ state, epoch, offeredEpoch }: DeviceRow): boolean {
  return state === 'enrolled' && offeredEpoch !== epoch
}
