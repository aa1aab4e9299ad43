/** Titles and hints of keys, where the key alone does not say enough. */

/** By request type and path, or by the key alone for every command that has it. */
const HINTS: Readonly<Record<string, string>> = {
  RequestRequiresNetworkTether: 'carry it out only while the device has a network',
  PIN: 'six digits; a Mac asks for them',
  Message: 'shown on the locked screen',
  PhoneNumber: 'shown on the locked screen',
  Footnote: 'shown at the bottom of the screen',
  ManagedOnly: 'only what this server has installed',
  ManagedAppsOnly: 'only apps that this server has installed',
  ManifestURL: 'https address of the manifest',
  iTunesStoreID: 'the number in the app’s address in the App Store',
  Identifiers: 'bundle identifiers; all if left out',
  ManagementFlags: '1 removes the app with the enrolment, 4 keeps its data out of backups, 5 both',
  ChangeManagementState: 'takes an app over that the user has installed',
  Configuration: 'keys of the app’s own',
  Items: 'which facts to report of each app; all if left out',
  Attributes: 'VPN, domains, and what the user may do with the app',
  NewPassword: 'empty removes the password',
  CurrentPassword: 'needed if one is set',
  passwordHash: 'a property list with a salted SHA-512 hash',
  'EraseDevice.ObliterationBehavior': 'what a Mac does if it cannot erase all content and settings',
  'EraseDevice.PreserveDataPlan': 'keeps the eSIM',
  'EraseDevice.DisallowProximitySetup': 'no Quick Start beside another device',
  'EraseDevice.ReturnToService': 'the device sets itself up again and enrols without a touch',
  'EraseDevice.ReturnToService.Enabled': 'has to be true for Return to Service',
  'EraseDevice.ReturnToService.WiFiProfileData': 'a profile with the Wi-Fi that the device joins',
  'EraseDevice.ReturnToService.MDMProfileData':
    'an enrolment profile; not needed with Automated Device Enrolment',
  'EraseDevice.ReturnToService.BootstrapToken': 'keeps the managed apps over the erasure',
  'EraseDevice.ReturnToService.ShouldRetryEnrollment': 'tries again if the enrolment fails',
  'ClearPasscode.UnlockToken': 'left out, the server sends the token that it keeps',
  'DeviceInformation.Queries': 'what to ask for',
  'DeviceInformation.DeviceAttestationNonce': 'asks for a new attestation with this value',
  'InstallProfile.Payload': 'a .mobileconfig file, signed or not',
  'RemoveProfile.Identifier': 'the PayloadIdentifier of the profile',
  'RestartDevice.NotifyUser': 'lets the user of a Mac restart when it suits',
  'RestartDevice.RebuildKernelCache': 'with the kernel extensions of KextPaths',
  'DeleteUser.ForceDeletion': 'also a user whose data are not yet in iCloud',
  'DeclarativeManagement.Data':
    'the tokens of the declarations; the server sends its own if left out',
  'RotateFileVaultKey.KeyType': 'personal: a new code; institutional: a new certificate',
  'Restrictions.ProfileRestrictions': 'also by which profile each applies',
  'Settings.Settings': 'one or several settings, each with its keys',
  'ScheduleOSUpdate.Updates': 'one update; an empty list means the newest',
}

/** Names whose letters no rule splits rightly. */
const TITLES: Readonly<Record<string, string>> = {
  PIN: 'PIN',
  ReturnToService: 'Return to Service',
  iOSApp: 'iOS app',
  iTunesStoreID: 'App Store ID',
  eSIMServerURL: 'eSIM server URL',
  WiFiProfileData: 'Wi-Fi profile',
  MDMProfileData: 'MDM profile',
  MDMOptions: 'MDM options',
  KextPaths: 'Kext paths',
  GUID: 'GUID',
  UUID: 'UUID',
  ScanTime: 'Seconds to look for displays',
  Payload: 'Profile',
  FileVaultUnlock: 'FileVault unlock',
  TapToPayScreenLock: 'Tap to Pay screen lock',
  RequestRequiresNetworkTether: 'Needs a network',
}

/** What people fill in first, before the rest in Apple's order. */
export const LEADING_KEYS: readonly string[] = [
  'Message',
  'PhoneNumber',
  'PIN',
  'Queries',
  'Enabled',
  'WiFiProfileData',
  'MDMProfileData',
  'ReturnToService',
]

/** The words of a key for people: `DisallowProximitySetup` is “Disallow proximity setup”. */
export function titleOfKey(key: string): string {
  const own = TITLES[key]
  if (own !== undefined) {
    return own
  }
  const words = key
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[ _]/)
    .map((word, n) => (n > 0 && /^[A-Z][a-z]/.test(word) ? word.toLowerCase() : word))
    .join(' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** A hint for the key of a command; `undefined` if its title says enough. */
export function hintOfKey(requestType: string, path: readonly string[]): string | undefined {
  return HINTS[[requestType, ...path].join('.')] ?? HINTS[path.at(-1) ?? '']
}
