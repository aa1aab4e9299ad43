/** SecurityInfo as a list of checks in words. */
import type { Json, JsonObject } from '../composer/draft.ts'
import { isJsonKeys } from '../composer/draft.ts'
import { cellOf, type Cell, type Unit } from './cell.ts'

/** Good and attention in words; `undefined` where neither answer is better. */
type Check = readonly [path: string, label: string, yes?: readonly [string, string], good?: boolean]

const ON = ['On', 'Off'] as const
const YES = ['Yes', 'No'] as const

const CHECKS: readonly Check[] = [
  ['FDE_Enabled', 'FileVault', ON, true],
  ['FDE_HasPersonalRecoveryKey', 'Personal recovery key', YES],
  ['FDE_HasInstitutionalRecoveryKey', 'Institutional recovery key', YES],
  ['PasscodePresent', 'Passcode', ['Set', 'Not set'], true],
  ['PasscodeCompliant', 'Passcode meets all rules', YES, true],
  ['PasscodeCompliantWithProfiles', 'Passcode meets the profiles’ rules', YES, true],
  ['SystemIntegrityProtectionEnabled', 'System Integrity Protection', ON, true],
  ['FirewallSettings.FirewallEnabled', 'Firewall', ON, true],
  ['FirewallSettings.StealthMode', 'Firewall: stealth mode', ON],
  ['FirewallSettings.BlockAllIncoming', 'Firewall: blocks all incoming', YES],
  ['AuthenticatedRootVolumeEnabled', 'Sealed system volume', ON, true],
  ['IsRecoveryLockEnabled', 'Recovery Lock', ON],
  ['FirmwarePasswordStatus.PasswordExists', 'Firmware password', ['Set', 'Not set']],
  ['RemoteDesktopEnabled', 'Remote Desktop', ON, false],
  ['BootstrapTokenRequiredForSoftwareUpdate', 'Bootstrap token needed for updates', YES],
  [
    'BootstrapTokenRequiredForKernelExtensionApproval',
    'Bootstrap token needed for extensions',
    YES,
  ],
  ['ManagementStatus.UserApprovedEnrollment', 'Enrolment approved by the user', YES, true],
  ['ManagementStatus.EnrolledViaDEP', 'Automated Device Enrollment', YES],
  ['ManagementStatus.IsUserEnrollment', 'User Enrollment', YES],
  ['ManagementStatus.IsActivationLockManageable', 'Activation Lock can be managed', YES],
]

const FACTS: readonly (readonly [path: string, label: string, unit?: Unit])[] = [
  ['SecureBoot.SecureBootLevel', 'Secure Boot'],
  ['SecureBoot.ExternalBootLevel', 'Start from other disks'],
  ['BootstrapTokenAllowedForAuthentication', 'Bootstrap token for authentication'],
  ['PasscodeLockGracePeriodEnforced', 'Grace period before the passcode', 'seconds'],
  ['AutoLockTime', 'Locks after', 'seconds'],
  ['FDE_PersonalRecoveryKeyDeviceKey', 'Recovery key of', 'mono'],
]

/** The checks and facts that the answer has, and what it says beside them. */
export function securityFacts(info: JsonObject): {
  readonly facts: readonly (readonly [label: string, cell: Cell])[]
  readonly rest: JsonObject
} {
  const checks = CHECKS.flatMap(([path, label, words = YES, good]) => {
    const value = valueAt(info, path)
    return typeof value === 'boolean' ? [[label, checkCell(value, words, good)] as const] : []
  })
  const facts = FACTS.flatMap(([path, label, unit]) => {
    const value = valueAt(info, path)
    return value === undefined ? [] : [[label, cellOf(value, unit)] as const]
  })
  const told = new Set([...CHECKS, ...FACTS].map(([path]) => path))
  return { facts: [...checks, ...facts], rest: without(info, told, '') }
}

/** The keys whose paths are not among those; a dictionary of which none is left goes too. */
function without(keys: JsonObject, told: ReadonlySet<string>, prefix: string): JsonObject {
  const left = Object.entries(keys).flatMap(([key, value]) => {
    const path = prefix + key
    const inner = isJsonKeys(value) ? without(value, told, `${path}.`) : value
    const isEmpty = isJsonKeys(inner) && Object.keys(inner).length === 0
    return told.has(path) || isEmpty ? [] : [[key, inner] as const]
  })
  return Object.fromEntries(left)
}

function checkCell(
  value: boolean,
  [yes, no]: readonly [string, string],
  good: boolean | undefined,
): Cell {
  const tone = good === undefined ? 'quiet' : value === good ? 'good' : 'warn'
  return { kind: 'state', tone, text: value ? yes : no }
}

function valueAt(info: JsonObject, path: string): Json | undefined {
  return path
    .split('.')
    .reduce<Json | undefined>((value, key) => (isJsonKeys(value) ? value[key] : undefined), info)
}
