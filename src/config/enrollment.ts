/** The settings of enrolment and of identities. */
import type { Certificate } from '../pki/x509/certificate.ts'
import { readSigner, type ProfileSigner } from '../pki/x509/signer.ts'
import { APPLE_DEVICE_CAS } from '../enroll/apple-device-ca.ts'
import { type MinimumOs, readMinimumOs } from '../enroll/minimum-os.ts'
import {
  DAY,
  readBoolean,
  readCertificates,
  readDays,
  readDuration,
  readEnrollmentMode,
  readCount,
  readOrganization,
} from './values.ts'
import type { ChallengeSettings } from './settings.ts'

/** Who may download an enrolment profile (docs/enrolment.md). An invitation opens it in every mode. */
export type EnrollmentAccess =
  | { readonly mode: 'open' }
  /** Downloads need the token in the link, or a token of older SEAL_KEYS. */
  | {
      readonly mode: 'token'
      readonly token: string
      readonly olderTokens: readonly string[]
      /** From the seal keys, and not chosen. */
      readonly isDerived: boolean
    }
  /** Devices that sign a serial number which an admin or Apple Business Manager has listed. */
  | { readonly mode: 'known' }

export interface EnrollmentSettings {
  readonly access: EnrollmentAccess
  /** Signs the profiles that the server makes. */
  readonly profileSigner: ProfileSigner | undefined
  /** CAs that prove that Apple made a device. */
  readonly appleDeviceCAs: readonly Certificate[]
  readonly minimumOs: MinimumOs
  readonly homepage: boolean
  /** Automated Device Enrollment is for devices that Apple Business Manager or an admin has listed. */
  readonly depOnlyKnown: boolean
  /** The name that users see on the page and in profiles; empty shows MicroMDM's texts. */
  readonly organization: string
}

export interface ScepSettings extends ChallengeSettings {
  /** How long a device's identity is valid (milliseconds). */
  readonly clientValidity: number
  /** How many certificates are issued in a minute for challenges that anyone can get. */
  readonly rate: number
}

/** MicroMDM's static challenge, which every profile of its default configuration holds. */
const STATIC_CHALLENGE = 'micromdm'

/** Reads one setting. An error that it throws becomes a problem, and the fallback the value. */
export type ReadSetting = <T>(name: string, read: (text: string) => T, fallback: T) => T

/** The text of a setting; empty if it is not set. */
export type TextOf = (name: string) => string

/** The settings of enrolment. `derived`: tokens from SEAL_KEYS, newest first. */
export function enrollmentSettings(
  text: TextOf,
  attempt: ReadSetting,
  derived: readonly string[],
): EnrollmentSettings {
  const chosen = text('ENROLL_TOKEN')
  const mode = attempt('ENROLLMENT', (given) => readEnrollmentMode(given, chosen), 'token')
  const [token = '', ...olderTokens] = chosen === '' ? derived : [chosen]
  return {
    access: mode === 'token' ? { mode, token, olderTokens, isDerived: chosen === '' } : { mode },
    profileSigner: attempt<ProfileSigner | undefined>(
      'PROFILE_SIGNING_CERT',
      (pem) => readSigner(pem, text('PROFILE_SIGNING_KEY')),
      undefined,
    ),
    appleDeviceCAs: [
      ...APPLE_DEVICE_CAS.flatMap(readCertificates),
      ...attempt('APPLE_DEVICE_CA', readCertificates, []),
    ],
    minimumOs: attempt<MinimumOs>('MINIMUM_OS', readMinimumOs, new Map()),
    homepage: attempt('HOMEPAGE', readBoolean, true),
    depOnlyKnown: attempt('DEP_ONLY_KNOWN', readBoolean, false),
    organization: attempt('ORGANIZATION', readOrganization, ''),
  }
}

/** The settings of identities and their challenges. */
export function readScep(text: TextOf, attempt: ReadSetting): ScepSettings {
  const challenge = text('SCEP_CHALLENGE')
  return {
    dynamicChallenge: attempt<boolean | undefined>(
      'USE_DYNAMIC_CHALLENGE',
      readBoolean,
      challenge === '' ? undefined : false,
    ),
    challenge: challenge || STATIC_CHALLENGE,
    challengeLifetime: attempt('SCEP_CHALLENGE_LIFETIME', readDuration, DAY),
    clientValidity: attempt('SCEP_CLIENT_VALIDITY', readDays, 365 * DAY),
    rate: attempt('SCEP_RATE', readCount, 60),
  }
}
