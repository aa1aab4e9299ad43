import { isDict } from '../../../plist/dict.ts'
import { signedContent } from '../../../pki/cms/cms.ts'
import { readPlist } from '../../../plist/read.ts'
import type { PlistDict, PlistValue } from '../../../plist/value.ts'

/** The items that commands have installed on one channel, by profile and bundle identifier. */
export interface InstalledItems {
  readonly profiles: Map<string, PlistDict>
  readonly applications: Map<string, Application>
  /** Identifiers of profiles that declarations have installed. */
  readonly declared: Set<string>
  /** Packages that are to be downloaded after the session. */
  readonly downloads: PackageDownload[]
  /** Why packages were not installed, for people. */
  readonly failures: string[]
}

/** A manifest, or where it is (Apple: "Install Application Command"). */
export interface PackageDownload {
  readonly url?: string
  readonly manifest?: PlistDict
}

export interface Application {
  readonly name: string
  readonly managed: boolean
}

const PREINSTALLED: readonly (readonly [string, string])[] = [
  ['com.apple.calculator', 'Calculator'],
  ['com.apple.Maps', 'Maps'],
  ['com.example.intranet', 'Intranet'],
]

export function newInstalledItems(): InstalledItems {
  const applications = PREINSTALLED.map(
    ([identifier, name]) => [identifier, { name, managed: false }] as const,
  )
  return {
    profiles: new Map(),
    applications: new Map(applications),
    declared: new Set(),
    downloads: [],
    failures: [],
  }
}

/** The profile in an InstallProfile payload; undefined when a device would call it invalid. */
export function readProfile(payload: PlistValue | undefined): PlistDict | undefined {
  if (!(payload instanceof Uint8Array)) {
    return undefined
  }
  try {
    const profile = readPlist(signedContent(payload) ?? payload)
    return isDict(profile) && typeof profile['PayloadIdentifier'] === 'string' ? profile : undefined
  } catch {
    // For every error of the reader, the device reports the same: the profile is invalid.
    return undefined
  }
}
