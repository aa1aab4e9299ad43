/**
 * The profiles that bring a device in: MicroMDM's, identifier by identifier and key by key, because a stored profile
 * overrides one by its identifier and admins' scripts look for them (`micromdm-contract.md` §6.1, §6.2).
 */
import type { PlistDict } from '../plist/value.ts'

/** `PayloadIdentifier` of the enrolment profile; a stored profile of that name is served in its place. */
export const ENROLL_ID = 'com.github.micromdm.micromdm.enroll'
/** The same for the Profile Service payload that begins an over-the-air enrolment. */
export const OTA_ID = 'com.github.micromdm.micromdm.ota'
/** The same for the profile that gives such a device its identity. */
export const OTA_PHASE2_ID = `${OTA_ID}.phase2`

const ORGANIZATION = 'MicroMDM'
/** Bits 0 to 12: everything that an MDM server may be allowed (apple-protocol §5.1). */
const ALL_RIGHTS = 8191
/** What an over-the-air enrolment asks of the device; MEID and IMEI are absent where there is no modem. */
const DEVICE_ATTRIBUTES = ['UDID', 'VERSION', 'PRODUCT', 'SERIAL', 'MEID', 'IMEI']

/** Where and how a device gets its identity. */
export interface ScepFacts {
  readonly scepUrl: string
  /** Empty leaves the key out: then the device asks its user, or the SCEP server wants none. */
  readonly challenge: string
  /** Random UUIDs, each call another; written in upper case. */
  readonly newUuid: () => string
}

/** What the MDM payload says; the URLs with their query, as the device is to call them. */
export interface EnrollmentFacts extends ScepFacts {
  readonly serverUrl: string
  readonly checkInUrl: string
  /** UID of the push certificate's subject; a device refuses a profile without one. */
  readonly topic: string
}

/** The profile with SCEP and MDM payloads. `micromdm-contract.md` §6.1, `apple-protocol.md` §5.1. */
export function enrollmentProfile(facts: EnrollmentFacts): PlistDict {
  const identity = scepPayload(facts, ENROLL_ID, 'Device Management Identity Certificate')
  const mdm: PlistDict = {
    ...payload('com.apple.mdm', `${ENROLL_ID}.mdm`, facts),
    PayloadDescription: 'Enrolls with the MDM server',
    PayloadOrganization: ORGANIZATION,
    AccessRights: ALL_RIGHTS,
    CheckInURL: facts.checkInUrl,
    CheckOutWhenRemoved: true,
    IdentityCertificateUUID: identity.PayloadUUID,
    ServerCapabilities: ['com.apple.mdm.per-user-connections', 'com.apple.mdm.bootstraptoken'],
    ServerURL: facts.serverUrl,
    SignMessage: true,
    Topic: facts.topic,
  }
  // No PayloadScope: a Mac takes it for the scope of the enrolment (micromdm#766).
  return {
    ...configuration(ENROLL_ID, 'Enrollment Profile', facts),
    PayloadContent: [identity, mdm],
  }
}

/**
 * The Profile Service payload, bare and not in a Configuration: the device answers `phase23Url` with its attributes.
 * `micromdm-contract.md` §6.2, `apple-protocol.md` §5.2.
 */
export function profileServicePayload(
  phase23Url: string,
  facts: Pick<ScepFacts, 'newUuid'>,
): PlistDict {
  return {
    ...payload('Profile Service', OTA_ID, facts),
    PayloadDescription: 'Profile Service enrollment',
    PayloadDisplayName: 'MicroMDM Profile Service',
    PayloadOrganization: ORGANIZATION,
    PayloadContent: { URL: phase23Url, DeviceAttributes: DEVICE_ATTRIBUTES },
  }
}

/** The profile of phase 2: an identity and nothing else. `micromdm-contract.md` §6.2. */
export function otaPhase2Profile(facts: ScepFacts): PlistDict {
  return {
    ...configuration(OTA_PHASE2_ID, 'OTA Phase 2', facts),
    PayloadScope: 'System',
    PayloadContent: [scepPayload(facts, OTA_PHASE2_ID, 'OTA Phase 2 Certificate')],
  }
}

interface Payload extends PlistDict {
  readonly PayloadUUID: string
}

function scepPayload(facts: ScepFacts, parent: string, name: string): Payload {
  return {
    ...payload('com.apple.security.scep', `${parent}.scep`, facts),
    PayloadDescription: 'Configures SCEP',
    PayloadDisplayName: 'SCEP',
    PayloadOrganization: ORGANIZATION,
    PayloadContent: {
      URL: facts.scepUrl,
      Name: name,
      // One level of arrays more than a name needs: iOS refuses flat forms (apple-protocol §3.4).
      Subject: [[['O', ORGANIZATION]], [['CN', 'MicroMDM Identity (%ComputerName%)']]],
      Keysize: 2048,
      'Key Type': 'RSA',
      // Signing (1) and encryption (4).
      'Key Usage': 5,
      ...(facts.challenge === '' ? {} : { Challenge: facts.challenge }),
    },
  }
}

function configuration(
  identifier: string,
  displayName: string,
  facts: Pick<ScepFacts, 'newUuid'>,
): PlistDict {
  return {
    ...payload('Configuration', identifier, facts),
    PayloadDescription: 'The server may alter your settings',
    PayloadDisplayName: displayName,
    PayloadOrganization: ORGANIZATION,
  }
}

function payload(type: string, identifier: string, facts: Pick<ScepFacts, 'newUuid'>): Payload {
  return {
    PayloadType: type,
    PayloadIdentifier: identifier,
    PayloadUUID: facts.newUuid().toUpperCase(),
    PayloadVersion: 1,
  }
}
