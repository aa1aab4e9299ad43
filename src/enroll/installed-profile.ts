/**
 * What an enrolment profile told its device. An update of the profile has to repeat it byte for byte, queries
 * included, or the device refuses it (`apple-protocol.md` §3.3, fleet#14238).
 */
export interface InstalledProfile {
  /** `PayloadIdentifier` at the top. */
  readonly identifier: string
  /** UID of the push certificate's subject; a device refuses a profile without one. */
  readonly topic: string
  /** The URLs with their query, as the device is to call them. */
  readonly serverUrl: string
  readonly checkInUrl: string
  readonly accessRights: number
  readonly serverCapabilities: readonly string[]
  /** `BYOD`, `ADDE`, or empty: the key is left out. */
  readonly enrollmentMode: string
}

/** `PayloadIdentifier` of the enrolment profile; a stored profile of that name is served in its place. */
export const ENROLL_ID = 'com.github.micromdm.micromdm.enroll'

/** Bits 0 to 12: everything that an MDM server may be allowed (apple-protocol §5.1). */
const ALL_RIGHTS = 8191

/** Our enrolment profile, and MicroMDM's, in what it tells a device (`micromdm-contract.md` §6.1). */
export function ownProfile(
  facts: Pick<InstalledProfile, 'topic' | 'serverUrl' | 'checkInUrl'>,
): InstalledProfile {
  const { topic, serverUrl, checkInUrl } = facts
  return {
    identifier: ENROLL_ID,
    topic,
    serverUrl,
    checkInUrl,
    accessRights: ALL_RIGHTS,
    serverCapabilities: ['com.apple.mdm.per-user-connections', 'com.apple.mdm.bootstraptoken'],
    enrollmentMode: '',
  }
}
