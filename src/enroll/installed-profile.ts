import { deviceUrls } from './urls.ts'

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

/** Names what `ownProfile` makes. What another version of it says gets the next number, and goes on being rebuilt. */
export const PROFILE_VERSION = 1

/** Nobody needs a longer one, and both URLs are kept for each device. */
const MAX_URL = 2048

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

/**
 * What our profile told a device, from the message that the device sends first: our URLs differ in nothing but the
 * query that the enrolment URL had, and the device calls one of them. `base` is the server's URL without a slash at
 * the end. `undefined` for another version, and for a longer URL than any that is kept.
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
