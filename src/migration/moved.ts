import type { DeviceType } from '../mdm/enrollment.ts'
import type { DeviceFacts } from '../mdm/message.ts'

/**
 * A device as another server knew it. The record is JSON: bytes are base64, times are milliseconds, and
 * fingerprints are hexadecimal in lower case.
 */
export interface MovedDevice {
  /** UDID or EnrollmentID: the name of its object. */
  readonly id: string
  readonly type: DeviceType
  readonly source: MovedFrom
  /** Its state there; absent if the record does not say. `retired`: a binding without a device record. */
  readonly state?: 'authenticated' | 'enrolled' | 'checked_out' | 'retired'
  readonly facts?: Partial<DeviceFacts>
  readonly blocked?: boolean
  readonly lastSeen?: number
  /** The device channel has the user ''. */
  readonly channels: readonly MovedChannel[]
  readonly unlockToken?: string
  readonly bootstrapToken?: string
  /** Certificates that were bound to it there. Absent if the record does not say. */
  readonly bindings?: readonly MovedBinding[]
}

export type MovedFrom = 'micromdm' | 'nanomdm'

export interface MovedChannel {
  /** Empty, a UserID, or the UserShortName on a Shared iPad. */
  readonly user: string
  readonly isSharedIPad?: boolean
  /** Empty when there is none. */
  readonly token: string
  readonly magic: string
  readonly topic: string
  readonly awaitingConfiguration?: boolean
  /** In the order in which the other server would send them. Absent if the record does not say. */
  readonly commands?: readonly MovedCommand[]
}

export interface MovedBinding {
  /** SHA-256 of the certificate's DER. */
  readonly fingerprint: string
  /** DER, if the other server has the certificate itself. */
  readonly certificate?: string
}

export interface MovedCommand {
  readonly uuid: string
  /** The whole property list, byte for byte as it was stored. */
  readonly payload: string
  /** Milliseconds; 0 if it is not known: MicroMDM 1.13.1 does not store it. */
  readonly queuedAt: number
  /** The device answered it with NotNow. */
  readonly notNow: boolean
}
