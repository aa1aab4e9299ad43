/** Applies active declarations, and finds the faults that only an attempt shows. */
import { isBefore } from '../../../apple/version.ts'
import type { Reason, Reported } from '../../../ddm/states.ts'
import { textAt } from '../../../plist/dict.ts'
import type { InstalledItems } from '../answers/installed.ts'
import { isOsVersion, type OperatingSystem } from '../os.ts'
import type { Declaration } from './declaration.ts'
import {
  checkedProfile,
  downloadAsset,
  downloadDeclaredProfile,
  type Download,
  type DownloadedFile,
} from './files.ts'
import { reason } from './findings.ts'
import { stringIn } from './json.ts'

export const ENFORCEMENT = 'com.apple.configuration.softwareupdate.enforcement.specific'
const LEGACY = 'com.apple.configuration.legacy'

/** What attempts need and keep. */
export interface Attempts {
  readonly os: OperatingSystem
  readonly download: Download
  /** Results by identifier. A good one is good until the declaration changes. */
  readonly files: Map<string, DownloadedFile>
}

/** Attempts each of these declarations. @returns the faults by identifier */
export async function attemptAll(
  active: readonly Declaration[],
  attempts: Attempts,
): Promise<Map<string, Reason>> {
  const faults = new Map<string, Reason>()
  const needed = new Set(active.map(({ identifier }) => identifier))
  for (const identifier of [...attempts.files.keys()].filter((name) => !needed.has(name))) {
    attempts.files.delete(identifier)
  }
  // A profile may come from an asset, so assets come first.
  for (const kind of ['asset', 'configuration'] as const) {
    for (const declaration of active.filter((each) => each.kind === kind)) {
      const fault = await attempt(declaration, attempts)
      if (fault) {
        faults.set(declaration.identifier, fault)
      }
    }
  }
  return faults
}

async function attempt(declaration: Declaration, attempts: Attempts): Promise<Reason | undefined> {
  const { kind, type, payload } = declaration
  if (kind === 'asset') {
    return 'Reference' in payload ? once(declaration, attempts, downloadAsset) : undefined
  }
  switch (type) {
    case LEGACY:
      return once(declaration, attempts, legacyProfile)
    case ENFORCEMENT:
      return targetFault(declaration, attempts.os)
    case 'com.apple.configuration.management.test':
      return stringIn(payload, 'ReturnStatus') === 'Failed'
        ? reason('Error.ConfigurationCannotBeApplied', 'ReturnStatus is Failed.', {
            Error: 'ReturnStatus is Failed',
          })
        : undefined
    default:
      return undefined
  }
}

type Fetching = (
  declaration: Declaration,
  download: Download,
  attempts: Attempts,
) => Promise<DownloadedFile>

async function once(
  declaration: Declaration,
  attempts: Attempts,
  fetching: Fetching,
): Promise<Reason | undefined> {
  const { identifier, token } = declaration
  const known = attempts.files.get(identifier)
  if (known?.token === token && known.fault === undefined) {
    return undefined
  }
  const file = await fetching(declaration, attempts.download, attempts)
  attempts.files.set(identifier, file)
  return file.fault
}

async function legacyProfile(
  declaration: Declaration,
  download: Download,
  { files }: Attempts,
): Promise<DownloadedFile> {
  const asset = stringIn(declaration.payload, 'ProfileAssetReference')
  return asset === ''
    ? downloadDeclaredProfile(declaration, download)
    : checkedProfile(declaration.token, files.get(asset)?.profile)
}

function invalid(text: string): Reason {
  return reason('Error.ConfigurationIsInvalid', text, { Error: text })
}

/** Apple: "SoftwareUpdateEnforcementSpecific": a target that is not newer is an error. */
function targetFault({ payload }: Declaration, os: OperatingSystem): Reason | undefined {
  const target = stringIn(payload, 'TargetOSVersion')
  if (!isOsVersion(target)) {
    return invalid(`${target}: not a version`)
  }
  const isSame = !isBefore(os.version, target) && !isBefore(target, os.version)
  const isNewer = isSame
    ? stringIn(payload, 'TargetBuildVersion') > os.build
    : isBefore(os.version, target)
  return isNewer ? undefined : invalid(`${target} is not newer than ${os.version}`)
}

/**
 * Installs the profiles of valid declarations and removes those of the others. Commands cannot change them
 * (Apple: "LegacyProfile").
 */
export function installDeclaredProfiles(
  states: readonly Reported[],
  held: ReadonlyMap<string, Declaration>,
  files: ReadonlyMap<string, DownloadedFile>,
  { profiles, declared }: InstalledItems,
): void {
  const wanted = new Map(
    states
      .filter(({ identifier, active, valid }) => {
        return active && valid === 'valid' && held.get(identifier)?.type === LEGACY
      })
      .flatMap(({ identifier }) => {
        const profile = files.get(identifier)?.profile
        return profile ? [[textAt(profile, 'PayloadIdentifier'), profile] as const] : []
      }),
  )
  for (const identifier of declared) {
    if (!wanted.has(identifier)) {
      profiles.delete(identifier)
      declared.delete(identifier)
    }
  }
  for (const [identifier, profile] of wanted) {
    profiles.set(identifier, profile)
    declared.add(identifier)
  }
}
