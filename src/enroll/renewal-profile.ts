/**
 * Builds the profile that gives an enrolled device a new identity: its present profile with a new SCEP
 * payload.
 */
import type { EnrollmentType } from '../mdm/enrollment.ts'
import { isDict, stringAt } from '../plist/dict.ts'
import type { PlistDict, PlistValue } from '../plist/value.ts'
import { type InstalledProfile, ownProfile } from './installed-profile.ts'
import { enrollmentProfile, identityPayload, type ScepFacts } from './profile.ts'

const NO_TOPIC = 'the device has not sent its push topic since it is known here'

/** The known facts about a device's enrolment profile. */
export interface KnownEnrollment {
  readonly type: EnrollmentType
  /** The values of the profile, if this server made it for this device. */
  readonly profile: InstalledProfile | undefined
  /** The URLs that the device called, and the topic that it named; empty until then. */
  readonly serverUrl: string
  readonly checkInUrl: string
  readonly topic: string
}

/**
 * An admin's statement about devices whose profile was not made here: `own` is the form of this server and
 * of MicroMDM, `stored` a profile of the admin's own. Without a statement their renewal is blocked.
 */
export type AssumedProfile =
  | { readonly kind: 'none' }
  | { readonly kind: 'own' }
  | { readonly kind: 'stored'; readonly profile: PlistDict }

export type RenewalPlan =
  | { readonly ok: true; readonly write: (scep: ScepFacts) => PlistDict }
  /** The values that are not known well enough to repeat them, as text for an admin. */
  | { readonly ok: false; readonly reason: string }

/**
 * Repeats a device's profile. Topic, URLs, EnrollmentMode and capabilities may not change, and AccessRights
 * may not grow, or the device refuses the whole profile (Apple: "Install Profile Command").
 */
export function planRenewal(known: KnownEnrollment, assumed: AssumedProfile): RenewalPlan {
  if (known.profile) {
    return planOf(known.profile, known)
  }
  if (known.type.startsWith('User Enrollment')) {
    return blocked('the profile of a User Enrollment names an account that is not known here')
  }
  switch (assumed.kind) {
    case 'none':
      return blocked(
        'it is not known which enrolment profile the device has: say it with unknown_profiles',
      )
    case 'own':
      return planOwn(known)
    case 'stored':
      return planStored(assumed.profile, known)
  }
}

function planOf(made: InstalledProfile, known: KnownEnrollment): RenewalPlan {
  const { topic } = known
  // When the device's first message had no topic, a later one did.
  const profile = { ...made, topic: made.topic || topic }
  if (profile.topic === '') {
    return blocked(NO_TOPIC)
  }
  return topic !== '' && topic !== profile.topic
    ? blocked(`the device names the topic ${topic}, and its profile had ${profile.topic}`)
    : { ok: true, write: (scep) => enrollmentProfile(profile, scep) }
}

function planOwn({ serverUrl, checkInUrl, topic }: KnownEnrollment): RenewalPlan {
  if (serverUrl === '') {
    return blocked('the device has not called its ServerURL since it is known here')
  }
  if (topic === '') {
    return blocked(NO_TOPIC)
  }
  const profile = ownProfile({
    topic,
    serverUrl,
    checkInUrl: checkInUrl || serverUrl.replace('/mdm/connect', '/mdm/checkin'),
  })
  return { ok: true, write: (scep) => enrollmentProfile(profile, scep) }
}

function planStored(stored: PlistDict, known: KnownEnrollment): RenewalPlan {
  const content = payloadsOf(stored)
  const mdm = content.find((payload) => payload['PayloadType'] === 'com.apple.mdm')
  const identityUUID = mdm && stringAt(mdm, 'IdentityCertificateUUID')
  const identity = content.find((payload) => payload['PayloadUUID'] === identityUUID)
  const identifier = stringAt(stored, 'PayloadIdentifier')
  if (!mdm || !identity || identifier === undefined) {
    return blocked(
      'the profile that unknown_profiles names has no MDM payload with an identity in it',
    )
  }
  const repeated = {
    ...mdm,
    ServerURL: asInstalled(mdm['ServerURL'], known.serverUrl),
    ...(mdm['CheckInURL'] === undefined
      ? {}
      : { CheckInURL: asInstalled(mdm['CheckInURL'], known.checkInUrl) }),
    Topic: known.topic || (mdm['Topic'] ?? ''),
  }
  return {
    ok: true,
    write: (scep) => {
      const renewed = successor(identity, identifier, scep)
      return {
        ...stored,
        PayloadUUID: scep.newUuid().toUpperCase(),
        PayloadContent: content.map((payload) =>
          payload === mdm
            ? { ...repeated, IdentityCertificateUUID: renewed['PayloadUUID'] ?? '' }
            : payload === identity
              ? renewed
              : payload,
        ),
      }
    },
  }
}

/** An identity of the same kind where the profile's own is SCEP already, else ours in its place. */
function successor(identity: PlistDict, parent: string, scep: ScepFacts): PlistDict {
  const own = identityPayload(parent, scep)
  const settings = identity['PayloadContent']
  if (identity['PayloadType'] !== own['PayloadType'] || !isDict(settings)) {
    return own
  }
  return {
    ...identity,
    PayloadUUID: own.PayloadUUID,
    PayloadContent: { ...settings, URL: scep.scepUrl, Challenge: scep.challenge },
  }
}

/** The profile's spelling of a URL, unless the device calls another one. */
function asInstalled(told: PlistValue | undefined, found: string): string {
  const text = typeof told === 'string' ? told : ''
  return found === '' || URL.parse(text)?.href === URL.parse(found)?.href ? text : found
}

function payloadsOf(profile: PlistDict): PlistDict[] {
  const content = profile['PayloadContent']
  return Array.isArray(content) ? content.filter((payload) => isDict(payload)) : []
}

function blocked(reason: string): RenewalPlan {
  return { ok: false, reason }
}
