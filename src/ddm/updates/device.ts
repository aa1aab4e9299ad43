import { declarationSchema } from '../../apple/declarations.ts'
import { platformOf } from '../../apple/platform.ts'
import { availability } from '../../apple/schema.ts'
import { isBefore } from '../../apple/version.ts'
import { lacksOf } from '../../apple/support.ts'
import { matchesRule } from '../manifest/rule.ts'
import type { DeclarationState } from '../states.ts'
import {
  ENFORCE_UPDATE,
  enforcementOf,
  UPDATE_PLATFORMS,
  type ChosenTargets,
  type UpdatePlatform,
  type UpdatePolicy,
} from './policy.ts'
import { progressOf, type UpdateProgress } from './progress.ts'
import { isVersion } from './version.ts'

/** How a device is made to update: `command` for an OS that does not know the declaration yet. */
export const UPDATE_WAYS = ['declaration', 'command', 'none'] as const
export type UpdateWay = (typeof UPDATE_WAYS)[number]

/** What the directory has of a device, or of many equal ones. */
export interface UpdateDevice {
  /** The type of its enrolment. */
  readonly type: string
  readonly productName: string
  readonly model: string
  readonly modelName: string
  readonly osVersion: string
  readonly buildVersion: string
  /** Of the declaration that enforces the update; `null` before the device was offered it. */
  readonly state: DeclarationState | null
  readonly code: string | null
  /** JSON (report.ts); empty for none. */
  readonly updates: string
  /** Milliseconds; 0 for never. */
  readonly reportedAt: number
}

export interface UpdateDeviceState extends UpdateProgress {
  readonly platform: UpdatePlatform
  readonly way: UpdateWay
}

/** How far a device is with the update of a policy; `undefined` if the policy does not concern it. */
export function deviceProgress(
  policy: UpdatePolicy,
  targets: ChosenTargets,
  device: UpdateDevice,
  now: number,
): UpdateDeviceState | undefined {
  const platform = policyPlatform(policy, device)
  const chosen = platform && targets[platform]
  if (!chosen) {
    return undefined
  }
  const { way, reason } =
    chosen.withdrawn === undefined
      ? wayOf(platform, device)
      : { way: 'none' as const, reason: chosen.withdrawn }
  const { osVersion: version, buildVersion: build, updates, reportedAt } = device
  const items: Readonly<Record<string, unknown>> = updates === '' ? {} : JSON.parse(updates)
  const declaration = DECLARED[way] ?? device.state ?? 'pending'
  const progress = progressOf({
    target: { ...chosen, declaration: enforcementOf(policy.name, platform) },
    item: (name) => items[name],
    declaration,
    os: { version, build },
    lastReportAt: reportedAt === 0 || way !== 'declaration' ? undefined : reportedAt,
    now,
  })
  const why = progress.state === 'not-applied' ? reason || (device.code ?? '') : ''
  return { ...progress, platform, way, reason: progress.reason || why }
}

/** The state of the declaration where there is none. */
const DECLARED: Readonly<Partial<Record<UpdateWay, DeclarationState>>> = {
  command: 'pending',
  none: 'withheld',
}

/** The platform by which a policy takes a device. The directory matches sets and serial numbers. */
function policyPlatform(
  { platforms, rule }: UpdatePolicy,
  { productName, model, modelName, osVersion }: UpdateDevice,
): UpdatePlatform | undefined {
  const platform = platformOf(productName || model)
  const { set: _set, serialNumber: _serials, ...words } = rule
  const isMeant = matchesRule(words, {
    platform,
    osVersion: isVersion(osVersion) ? osVersion : '',
    enrollment: undefined,
    scope: 'system',
    sharedIPad: false,
    models: [productName, model, modelName].filter((name) => name !== ''),
    serialNumber: '',
    supported: undefined,
  })
  return isMeant
    ? UPDATE_PLATFORMS.find((one) => one === platform && platforms.includes(one))
    : undefined
}

const NEEDS = declarationSchema(ENFORCE_UPDATE)?.on ?? ''

/** An unknown version counts as a new one: the device decides. */
function wayOf(
  platform: UpdatePlatform,
  { type, osVersion, productName, model }: UpdateDevice,
): { readonly way: UpdateWay; readonly reason: string } {
  if (type.startsWith('User Enrollment')) {
    return { way: 'none', reason: 'under User Enrollment, the user decides about updates' }
  }
  const { since = '' } = availability(NEEDS, platform) ?? {}
  if (!isVersion(osVersion) || !isBefore(osVersion, since)) {
    return { way: 'declaration', reason: '' }
  }
  const [lack] = lacksOf(['ScheduleOSUpdate'], { productName: productName || model, osVersion })
  return lack === undefined
    ? { way: 'command', reason: '' }
    : { way: 'none', reason: `declared updates came with ${platform} ${since}, and ${lack}` }
}
