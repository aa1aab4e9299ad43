/**
 * What to do about an error of a device, for codes whose meaning the words of the device hide. The codes are
 * those of Apple’s “Mobile Device Management Protocol Reference”, Error Codes, and of “Commands and Queries”.
 */
const PROFILE_BROKEN = 'The profile cannot be read: export it anew, and check it in an editor.'
const NO_LICENCE =
  'No licence was found: assign one to the device or its user in Apple Business Manager, then send it again.'
const NOT_MANAGED =
  'The app is not managed: InstallApplication with ChangeManagementState “Managed” takes it over.'
const NO_SPACE = 'Free space on the device, then send it again.'
const NO_POWER = 'Connect the device to power, then send it again.'

const ADVICE: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  MCProfileErrorDomain: {
    1000: PROFILE_BROKEN,
    1002: 'The profile lacks a key that it needs: complete it, and send it again.',
    1003: 'A key of the profile has a value of the wrong type.',
    1004: 'The signature does not fit the profile: sign it again after each change.',
    1006: 'The profile is encrypted for another device.',
    1007: 'Two payloads of the profile have the same PayloadUUID.',
    1008: 'Two payloads of the profile have the same PayloadIdentifier.',
    1009: 'The profile was not installed: the next entry says why.',
  },
  MCPayloadErrorDomain: {
    2002: 'A payload lacks a key that it needs: complete it, and send the profile again.',
    2003: 'A key of a payload has a value of the wrong type.',
    2004: 'A key of a payload has a value that this OS does not take.',
  },
  MCInstallationErrorDomain: {
    4000: PROFILE_BROKEN,
    4001: 'The profile was not installed: the next entry says why.',
    4004: 'The user refused the profile: agree with the user, then send it again.',
    4005: 'The passcode does not fulfil the profile: the user has to change it first.',
    4009: 'The device is locked: send it again once the user has unlocked it.',
    4015: 'The profile would end the management: a new enrolment profile needs an MDM payload.',
    4026: 'The removal date of the profile is past: set a later one.',
  },
  MCCertificateErrorDomain: {
    9000: 'The password in the profile does not open its certificate file.',
    9005: 'A certificate in the profile is malformed.',
    9006: 'A certificate file in the profile holds no private key.',
  },
  MCMDMErrorDomain: {
    12008: 'The command lacks a key, or has a wrong value: compare it with its form.',
    12013: 'This server did not install the profile, so it cannot remove it.',
    12021: 'This device does not know the command: see on which OS it exists.',
    12023: 'The App Store does not know this id: check iTunesStoreID.',
    12024: 'The device could not read the manifest: check that it reaches the address, by https.',
    12025: 'The app is there already: ChangeManagementState “Managed” takes it over.',
    12026: NO_LICENCE,
    12029: NOT_MANAGED,
    12031: 'A restriction on the device forbids the installation of apps.',
    12033: 'The manifest of the app is not valid.',
    12034: 'The address has to begin with https.',
    12036: 'The app is not in a state in which it can be removed: try it again later.',
    12038: NOT_MANAGED,
    12040:
      'The user has to sign in to the App Store, unless the licence is assigned to the device.',
    12047: NO_LICENCE,
    12048: 'The device has found no such update.',
    12049: 'The device takes the update only without a passcode.',
    12053: 'The device has to be connected to a computer for this update.',
    12054: NO_SPACE,
    12055: NO_POWER,
    12056: 'The network does not suffice for the download: use Wi-Fi.',
    12060: NO_SPACE,
    12061: NO_POWER,
    12063: 'The user refused: agree with the user, then send it again.',
    12064: NO_LICENCE,
    12065: 'The app is a part of the OS.',
    12067: 'The device is not in Lost Mode: turn it on first.',
    12068: 'The device could not find out where it is: ask it again later.',
    12071: 'The device has no such user: UserList shows whom it has.',
    12072: 'The user is logged in: log the user out first.',
    12073: 'The user has data that is not synchronised yet: wait, or send ForceDeletion.',
    12075: 'The profile is not on the device: ask for its ProfileList.',
    12078: 'In Lost Mode the device does not take this command: turn it off first.',
    12081: 'The command asks for a network by cable (RequestRequiresNetworkTether).',
  },
  MCSCEPErrorDomain: {
    22005: 'The device does not reach the SCEP server of the profile.',
    22013: 'The SCEP server refused, or answered something else: look at its log.',
  },
  MCSettingsErrorDomain: { 28000: 'This device does not know the setting.' },
  MCChaperoneErrorDomain: { 29000: 'The device has to be supervised.' },
}

/** @returns `undefined` for a code that the words of the device explain well enough */
export function errorAdvice(domain: string | null, code: number | null): string | undefined {
  return domain === null || code === null ? undefined : ADVICE[domain]?.[code]
}
