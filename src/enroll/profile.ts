/**
 * The profiles that bring a device in: MicroMDM's, identifier by identifier and key by key, because a stored profile
 * overrides one by its identifier and admins' scripts look for them (`micromdm-contract.md` §6.1, §6.2).
 */
import type { PlistDict } from '../plist/value.ts'
import type { InstalledProfile } from './installed-profile.ts'

/** `PayloadIdentifier` of the Profile Service payload that begins an over-the-air enrolment; a stored profile replaces it too. */
export const OTA_ID = 'com.github.micromdm.micromdm.ota'
/** The same for the profile that gives such a device its identity. */
export const OTA_PHASE2_ID = `${OTA_ID}.phase2`

const ORGANIZATION = 'MicroMDM'
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

/**
 * The profile with SCEP and MDM payloads; a device that has it already gets a new identity by it.
 * `micromdm-contract.md` §6.1, `apple-protocol.md` §3.3, §5.1.
 */
export function enrollmentProfile(installed: InstalledProfile, facts: ScepFacts): PlistDict {
  const { identifier, enrollmentMode } = installed
  const identity = identityPayload(identifier, facts)
  const mdm: PlistDict = {
    ...payload('com.apple.mdm', `${identifier}.mdm`, facts),
    PayloadDescription: 'Enrolls with the MDM server',
    PayloadOrganization: ORGANIZATION,
    AccessRights: installed.accessRights,
    CheckInURL: installed.checkInUrl,
    CheckOutWhenRemoved: true,
    ...(enrollmentMode === '' ? {} : { EnrollmentMode: enrollmentMode }),
    IdentityCertificateUUID: identity.PayloadUUID,
    ServerCapabilities: installed.serverCapabilities,
    ServerURL: installed.serverUrl,
    SignMessage: true,
    Topic: installed.topic,
  }
  // No PayloadScope: a Mac takes it for the scope of the enrolment (micromdm#766).
  return {
    ...configuration(identifier, 'Enrollment Profile', facts),
    PayloadContent: [identity, mdm],
  }
}

/** The payload that gives a device the identity of its enrolment; `parent` is the profile's identifier. */
export function identityPayload(parent: string, facts: ScepFacts): Payload {
  return scepPayload(facts, parent, 'Device Management Identity Certificate')
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

export interface Payload extends PlistDict {
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
