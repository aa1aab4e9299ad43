import { deviceUrls } from './urls.ts'

/**
 * The values of an enrolment profile that its device keeps. An update of the profile has to repeat them
 * byte for byte, queries included, or the device refuses it (Apple: "Install Profile Command";
 * fleetdm/fleet issue 14238).
 */
export interface InstalledProfile {
  /** `PayloadIdentifier` at the top. */
  readonly identifier: string
  /** UID of the push certificate's subject; a device refuses a profile without one. */
  readonly topic: string
  /** The URLs with their query, as the device calls them. */
  readonly serverUrl: string
  readonly checkInUrl: string
  readonly accessRights: number
  readonly serverCapabilities: readonly string[]
  /** `BYOD`, `ADDE`, or empty: the key is left out. */
  readonly enrollmentMode: string
}

/**
 * The version of `ownProfile`. A version with other values gets the next number, and the old one can still
 * be built.
 */
export const PROFILE_VERSION = 1

/** Longer URLs are not kept: both URLs are stored for each device. */
const MAX_URL = 2048

/** `PayloadIdentifier` of the enrolment profile. A stored profile with that identifier replaces it. */
export const ENROLL_ID = 'com.github.micromdm.micromdm.enroll'

/** Bits 0 to 12: all rights that an MDM server can have (Apple: "MDM", AccessRights). */
const ALL_RIGHTS = 8191

/** The values of our enrolment profile, which are those of MicroMDM's. */
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

/**
 * The values of the profile that the device has from us, derived from its first message: our URLs differ
 * only in the query of the enrolment URL, and the device calls one of them. `base` is the server's URL
 * without a slash at the end. `undefined` for another version, and for a URL that is too long to be kept.
 */
export function rebuiltProfile(
  version: number,
  facts: { readonly base: string; readonly calledUrl: string; readonly topic: string },
): InstalledProfile | undefined {
  const { base, calledUrl, topic } = facts
  if (version !== PROFILE_VERSION || calledUrl.length > MAX_URL) {
    return undefined
  }
  return ownProfile({ ...deviceUrls(base, new URL(calledUrl).searchParams), topic })
}
