import type { DeviceFacts } from '../mdm/message.ts'

/**
 * A device as another server knew it. It is JSON: bytes are base64, times are milliseconds since 1970, and
 * fingerprints are hex in lower case.
 */
export interface MovedDevice {
  /** UDID or EnrollmentID: the name of its object. */
  readonly id: string
  readonly type: 'Device' | 'User Enrollment (Device)'
  readonly source: 'micromdm' | 'nanomdm'
  /**
   * Its state there; absent where a part of a record says nothing of it. `retired`: a binding without a
   * device record.
   */
  readonly state?: 'authenticated' | 'enrolled' | 'checked_out' | 'retired'
  readonly facts?: Partial<DeviceFacts>
  readonly blocked?: boolean
  readonly lastSeen?: number
  /** The device channel has the user ''. */
  readonly channels: readonly MovedChannel[]
  readonly unlockToken?: string
  readonly bootstrapToken?: string
  /** Certificates that were bound to it there. Absent: the record says nothing of bindings. */
  readonly bindings?: readonly MovedBinding[]
}

export interface MovedChannel {
  /** Empty, a UserID, or the UserShortName on a Shared iPad. */
  readonly user: string
  readonly isSharedIPad?: boolean
  /** Empty when there is none. */
  readonly token: string
  readonly magic: string
  readonly topic: string
  readonly awaitingConfiguration?: boolean
  /**
   * Pending commands in the order in which the other server would send them. Absent: the record says nothing
   * of commands.
   */
  readonly commands?: readonly MovedCommand[]
}

export interface MovedBinding {
  /** SHA-256 of the certificate's DER. */
  readonly fingerprint: string
  /** DER, where the other server has the certificate itself. */
  readonly certificate?: string
}

export interface MovedCommand {
  readonly uuid: string
  /** The whole property list, byte for byte as it was stored. */
  readonly payload: string
  /** 0 where the file does not say. MicroMDM 1.13.1 does not store it. */
  readonly queuedAt: number
  /** It was answered with NotNow. */
  readonly notNow: boolean
}
