/**
 * The profiles that enrol a device. They have MicroMDM's identifiers and keys, because a stored profile
 * replaces one by its identifier, and admins' scripts look for them (docs/enrolment.md). Without
 * ORGANIZATION their texts are MicroMDM's too. Identifiers never depend on it: a device treats a profile
 * with another identifier as another profile.
 */
import type { PlistDict } from '../plist/value.ts'
import type { InstalledProfile } from './installed-profile.ts'

/**
 * `PayloadIdentifier` of the Profile Service payload that begins an over-the-air enrolment. A stored
 * profile replaces it too.
 */
export const OTA_ID = 'com.github.micromdm.micromdm.ota'
/** The same for the profile that gives such a device its identity. */
export const OTA_PHASE2_ID = `${OTA_ID}.phase2`

/** MicroMDM's name for every organisation. */
const UNNAMED = 'MicroMDM'
/** The attributes that an over-the-air enrolment requests; MEID and IMEI are absent without a modem. */
const DEVICE_ATTRIBUTES = ['UDID', 'VERSION', 'PRODUCT', 'SERIAL', 'MEID', 'IMEI']

/** Where and how a device gets its identity. */
export interface ScepFacts {
  readonly scepUrl: string
  /** Empty leaves the key out: then the device asks its user, or the SCEP server needs none. */
  readonly challenge: string
  /** Returns random UUIDs, a new one with each call; they are written in upper case. */
  readonly newUuid: () => string
  /** The name that users see; empty for none. */
  readonly organization: string
}

type PayloadFacts = Pick<ScepFacts, 'newUuid' | 'organization'>

/**
 * The profile with SCEP and MDM payloads. A device that has it already gets a new identity by it (Apple:
 * "TopLevel", "SCEP", "MDM").
 */
export function enrollmentProfile(installed: InstalledProfile, facts: ScepFacts): PlistDict {
  const { identifier, enrollmentMode } = installed
  const identity = identityPayload(identifier, facts)
  const mdm: PlistDict = {
    ...payload('com.apple.mdm', `${identifier}.mdm`, facts),
    PayloadDescription: 'Enrolls with the MDM server',
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
  // No PayloadScope: a Mac would use it for the scope of the enrolment (micromdm/micromdm issue 766).
  return {
    ...configuration(identifier, named('Enrollment Profile', facts), facts),
    PayloadContent: [identity, mdm],
  }
}

/** The payload that gives a device the identity of its enrolment; `parent` is the profile's identifier. */
export function identityPayload(parent: string, facts: ScepFacts): Payload {
  return scepPayload(facts, parent, 'Device Management Identity Certificate')
}

/**
 * The Profile Service payload, bare and not in a Configuration: the device posts its attributes to
 * `phase23Url` (Apple: "ProfileService").
 */
export function profileServicePayload(phase23Url: string, facts: PayloadFacts): PlistDict {
  return {
    ...payload('Profile Service', OTA_ID, facts),
    PayloadDescription: 'Profile Service enrollment',
    PayloadDisplayName: `${facts.organization || UNNAMED} Profile Service`,
    PayloadContent: { URL: phase23Url, DeviceAttributes: DEVICE_ATTRIBUTES },
  }
}

/** The profile of phase 2: only an identity. */
export function otaPhase2Profile(facts: ScepFacts): PlistDict {
  return {
    ...configuration(OTA_PHASE2_ID, named('OTA Phase 2', facts), facts),
    PayloadScope: 'System',
    PayloadContent: [scepPayload(facts, OTA_PHASE2_ID, 'OTA Phase 2 Certificate')],
  }
}

export interface Payload extends PlistDict {
  readonly PayloadUUID: string
}

function scepPayload(facts: ScepFacts, parent: string, name: string): Payload {
  const { organization } = facts
  return {
    ...payload('com.apple.security.scep', `${parent}.scep`, facts),
    PayloadDescription: 'Configures SCEP',
    PayloadDisplayName: 'SCEP',
    PayloadContent: {
      URL: facts.scepUrl,
      Name: name,
      // One more level of arrays than a name needs: iOS refuses flat forms (Apple: "SCEP").
      Subject: [
        [['O', organization || UNNAMED]],
        [['CN', `${organization ? '' : 'Micro'}MDM Identity (%ComputerName%)`]],
      ],
      Keysize: 2048,
      'Key Type': 'RSA',
      // Signing (1) and encryption (4).
      'Key Usage': 5,
      ...(facts.challenge === '' ? {} : { Challenge: facts.challenge }),
    },
  }
}

function configuration(identifier: string, displayName: string, facts: PayloadFacts): PlistDict {
  return {
    ...payload('Configuration', identifier, facts),
    PayloadDescription: `${facts.organization || 'The server'} may alter your settings`,
    PayloadDisplayName: displayName,
  }
}

/** A display name with the organisation's name in front. */
function named(name: string, { organization }: PayloadFacts): string {
  return organization ? `${organization} ${name}` : name
}

function payload(type: string, identifier: string, facts: PayloadFacts): Payload {
  return {
    PayloadType: type,
    PayloadIdentifier: identifier,
    PayloadUUID: facts.newUuid().toUpperCase(),
    PayloadVersion: 1,
    PayloadOrganization: facts.organization || UNNAMED,
  }
}
