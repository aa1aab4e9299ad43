/** Words and sentences of configuration profiles. */
import type { PayloadFacts, ProfileFacts } from '../../../results/profile.ts'
import { counted } from '../../../time/words.ts'

/** As `/console/profiles/{id}` names it. */
export function profilePage(id: string): string {
  return `/console/profiles/${encodeURIComponent(id)}`
}

/** What a name of Apple's means, for the commonest payloads. */
const PAYLOADS: Readonly<Partial<Record<string, string>>> = {
  'com.apple.wifi.managed': 'Wi-Fi',
  'com.apple.vpn.managed': 'VPN',
  'com.apple.mdm': 'Mobile device management',
  'com.apple.security.scep': 'Certificate by SCEP',
  'com.apple.security.acme': 'Certificate by ACME',
  'com.apple.security.root': 'Trusted certificate',
  'com.apple.security.pkcs1': 'Certificate',
  'com.apple.security.pem': 'Certificate',
  'com.apple.security.pkcs12': 'Certificate with its private key',
  'com.apple.applicationaccess': 'Restrictions',
  'com.apple.mobiledevice.passwordpolicy': 'Passcode',
  'com.apple.eas.account': 'Exchange account',
  'com.apple.mail.managed': 'Mail account',
  'com.apple.webClip.managed': 'Web clip',
  'com.apple.MCX.FileVault2': 'FileVault',
  'com.apple.TCC.configuration-profile-policy': 'Privacy preferences',
  'com.apple.system-extension-policy': 'System extensions',
  'com.apple.notificationsettings': 'Notifications',
  'com.apple.SoftwareUpdate': 'Software updates',
  'com.apple.ManagedClient.preferences': 'Managed preferences',
  'com.apple.loginwindow': 'Login window',
  'com.apple.proxy.http.global': 'Global proxy',
  'com.apple.dnsSettings.managed': 'DNS',
  'com.apple.extensiblesso': 'Single sign-on',
}

export function payloadName(type: string): string {
  return PAYLOADS[type] ?? type
}

/** `Wi-Fi, Passcode`, without repeats. */
export function payloadNames(types: readonly string[]): string {
  return [...new Set(types.map(payloadName))].join(', ')
}

export function signerText(signer: string | null | undefined): string {
  return signer === undefined || signer === null ? 'not signed' : signer
}

export function scopeText({ scope }: Pick<ProfileFacts, 'scope'>): string {
  return scope === 'User' ? 'one user of the Mac' : 'the whole device'
}

/** What one should know of a profile before it is stored or sent. */
export function remarksOf({
  isLocked,
  isEncrypted,
  payloads,
}: Omit<ProfileFacts, 'faults'>): readonly string[] {
  const secret = payloads.filter(({ secrets }) => secrets.length > 0)
  return [
    ...(secret.length > 0 ? [`It carries secrets: ${secret.map(secretText).join('; ')}.`] : []),
    ...(isLocked ? ['Users cannot remove it.'] : []),
    ...(isEncrypted
      ? ['Its payloads are encrypted: only the device that they are for can read them.']
      : []),
  ]
}

function secretText({ type, secrets }: PayloadFacts): string {
  return `${payloadName(type)} (${secrets.join(', ')})`
}

export const ENROLMENT_PROFILE = 'com.github.micromdm.micromdm.enroll'

export const PROFILE_SENTENCES = {
  none: 'The library is empty',
  noneHint:
    'Profiles that are stored here can be installed on devices, and blueprints can name them. Drop a ' +
    '.mobileconfig on this page, or choose a file.',
  drop: 'Drop the profile here',
  noProfile: (name: string, why: string): string => `${name} is no configuration profile: ${why}.`,
  faulty: 'It is not what Apple asks of a profile, so devices may refuse it:',
  onlyFirst: (name: string): string => `Only ${name} was read: open one file at a time.`,
  tooBig: (name: string): string => `${name} is longer than 5 MB: no profile is.`,
  replaces: 'A profile with this identifier is in the library. Saving replaces it.',
  enrolment: 'It takes the place of the server’s own enrolment profile.',
  deleting:
    'Devices that have the profile keep it. A blueprint that names it fails at this step, and ' +
    'the log says which.',
  needsConfig:
    'What is in a profile may be secret, so reading it needs the scope config. Ask an admin for ' +
    'a key that has it.',
  removing:
    'The device removes the profile and what it brought: its accounts, certificates and ' +
    'settings. If its Wi-Fi is among them, the device may be out of reach.',
  leaving:
    'This profile is the enrolment. The device removes all that came from here and is not ' +
    'managed any more. Only a new enrolment brings it back.',
  installed: (name: string, device: string): string => `${name} waits for ${device}`,
  some:
    'For others, select them in Devices, press Command…, then InstallProfile: its form offers ' +
    'the library.',
  more: (count: number): string => `${counted(count, 'more device')} fit: type more letters`,
} as const
