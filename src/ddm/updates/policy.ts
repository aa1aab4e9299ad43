import { OWN_PREFIX } from '../manifest/built-in.ts'
import type { Rule } from '../manifest/rule.ts'
import type { Platform } from '../../apple/platform.ts'
import type { UpdateRule } from './target.ts'

/** The platforms whose updates can be enforced (Apple: "SoftwareUpdateEnforcementSpecific"). */
export const UPDATE_PLATFORMS = [
  'macOS',
  'iOS',
  'iPadOS',
  'tvOS',
  'visionOS',
] as const satisfies Platform[]
export type UpdatePlatform = (typeof UPDATE_PLATFORMS)[number]

/** Which devices are to have which version by when, and how they handle updates. */
export interface UpdatePolicy {
  readonly name: string
  readonly platforms: readonly UpdatePlatform[]
  /** Devices must match all of it, besides the platform. */
  readonly rule: Rule
  /** Absent: the policy has settings alone. */
  readonly target?: UpdateRule
  readonly deadline?: DeadlineRule
  readonly detailsUrl?: string
  readonly settings: UpdateSettings
}

type UpdateAction = 'Allowed' | 'AlwaysOn' | 'AlwaysOff'

/** By the names of the API. `null` is the same as absent: the device's own choice. */
export interface UpdateSettings {
  readonly notifications?: boolean | null
  readonly combined_deferral_days?: number | null
  readonly major_deferral_days?: number | null
  readonly minor_deferral_days?: number | null
  readonly system_deferral_days?: number | null
  readonly automatic_download?: UpdateAction | null
  readonly automatic_install?: UpdateAction | null
  readonly automatic_security_install?: UpdateAction | null
  readonly rapid_security_response?: boolean | null
  readonly rapid_security_response_rollback?: boolean | null
  readonly standard_users_may_update?: boolean | null
  readonly recommended_cadence?: 'All' | 'Oldest' | 'Newest' | null
}

export type UpdateSetting = keyof UpdateSettings

export type DeadlineRule =
  /** `2026-12-10T19:00:00`: the local time of each device. */
  | { readonly local: string }
  /** So many days after the release of the version, at `19:00:00`. */
  | { readonly daysAfterRelease: number; readonly time: string }

/** What a platform's devices are to install. */
export interface ChosenTarget {
  readonly version: string
  readonly build?: string
  /** `2026-12-10T19:00:00`: the local time of each device. */
  readonly deadline: string
  /** When it was chosen (milliseconds). */
  readonly since: number
  /** Why devices are not asked for it any more. */
  readonly withdrawn?: string
}

export type ChosenTargets = Readonly<Partial<Record<UpdatePlatform, ChosenTarget>>>

/** A declaration of a policy. */
interface PolicyDeclaration {
  readonly identifier: string
  readonly type: string
  readonly payload: Readonly<Record<string, unknown>>
}

export const ENFORCE_UPDATE = 'com.apple.configuration.softwareupdate.enforcement.specific'

const MOBILE = ['iOS', 'iPadOS', 'tvOS', 'visionOS'] as const
const IOS = ['iOS', 'iPadOS'] as const
const ACTIONS = ['macOS', 'iOS', 'iPadOS', 'visionOS'] as const

/** Settings by our names: Apple's key, and where it works (Apple: "SoftwareUpdateSettings"). */
const UPDATE_SETTINGS: Readonly<
  Record<UpdateSetting, readonly [path: string, readonly UpdatePlatform[]]>
> = {
  notifications: ['Notifications', UPDATE_PLATFORMS],
  combined_deferral_days: ['Deferrals.CombinedPeriodInDays', MOBILE],
  major_deferral_days: ['Deferrals.MajorPeriodInDays', ['macOS']],
  minor_deferral_days: ['Deferrals.MinorPeriodInDays', ['macOS']],
  system_deferral_days: ['Deferrals.SystemPeriodInDays', ['macOS']],
  automatic_download: ['AutomaticActions.Download', ACTIONS],
  automatic_install: ['AutomaticActions.InstallOSUpdates', UPDATE_PLATFORMS],
  automatic_security_install: ['AutomaticActions.InstallSecurityUpdate', ACTIONS],
  rapid_security_response: ['RapidSecurityResponse.Enable', ['macOS', ...IOS]],
  rapid_security_response_rollback: ['RapidSecurityResponse.EnableRollback', ['macOS', ...IOS]],
  standard_users_may_update: ['AllowStandardUserOSUpdates', ['macOS']],
  recommended_cadence: ['RecommendedCadence', [...IOS, 'visionOS']],
}

/** The settings that are given, and the platforms that have them. */
export function givenSettings(settings: UpdateSettings): readonly GivenSetting[] {
  return Object.entries(UPDATE_SETTINGS).flatMap(([name, [path, platforms]]) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- for the compiler, keys are texts
    const value = settings[name as UpdateSetting] ?? null
    return value === null ? [] : [{ name, path, platforms, value }]
  })
}

interface GivenSetting {
  readonly name: string
  /** Apple's keys, with dots between them. */
  readonly path: string
  readonly platforms: readonly UpdatePlatform[]
  readonly value: boolean | number | string
}

/** The set of a policy's devices of one platform. */
export function policySet(name: string, platform: UpdatePlatform): string {
  return `${OWN_PREFIX}update.${name}.${platform}`
}

/** The declaration that makes a platform's devices update. */
export function enforcementOf(name: string, platform: UpdatePlatform): string {
  return `${policySet(name, platform)}.enforcement`
}

/** The declarations of a policy for one platform; none when it asks nothing of it. */
export function policyDeclarations(
  policy: UpdatePolicy,
  platform: UpdatePlatform,
  target: ChosenTarget | undefined,
): readonly PolicyDeclaration[] {
  const set = policySet(policy.name, platform)
  const settings = settingsPayload(policy.settings, platform)
  const configurations: PolicyDeclaration[] = []
  if (target && target.withdrawn === undefined) {
    configurations.push({
      identifier: enforcementOf(policy.name, platform),
      type: ENFORCE_UPDATE,
      payload: {
        TargetOSVersion: target.version,
        ...(target.build !== undefined && { TargetBuildVersion: target.build }),
        TargetLocalDateTime: target.deadline,
        ...(policy.detailsUrl !== undefined && { DetailsURL: policy.detailsUrl }),
      },
    })
  }
  if (Object.keys(settings).length > 0) {
    configurations.push({
      identifier: `${set}.settings`,
      type: 'com.apple.configuration.softwareupdate.settings',
      payload: settings,
    })
  }
  const activation = {
    identifier: `${set}.activation`,
    type: 'com.apple.activation.simple',
    payload: { StandardConfigurations: configurations.map(({ identifier }) => identifier) },
  }
  return configurations.length === 0 ? [] : [...configurations, activation]
}

function settingsPayload(
  settings: UpdateSettings,
  platform: UpdatePlatform,
): Readonly<Record<string, unknown>> {
  const payload: Record<string, unknown> = {}
  for (const { path, value } of givenSettings(settings).filter((one) =>
    one.platforms.includes(platform),
  )) {
    const [key = '', inner] = path.split('.')
    payload[key] = inner === undefined ? value : { ...Object(payload[key]), [inner]: value }
  }
  return payload
}
