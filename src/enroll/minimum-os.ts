/**
 * The oldest OS that may enrol, and the answer to an older device (Apple: "ErrorCodeSoftwareUpdateRequired").
 */
import type { MachineInfo } from './machine-info.ts'
import { OwnError } from '../reason.ts'

/** The systems that can update during enrolment, and the hardware models that run them. */
const FAMILIES = {
  iOS: /^iP(hone|od)/,
  iPadOS: /^iPad/,
  macOS: /Mac/,
  visionOS: /^RealityDevice/,
} as const

type Family = keyof typeof FAMILIES

/** A version such as `18.2` for each family that has one. */
export type MinimumOs = ReadonlyMap<Family, string>

/** Body of the 403 that makes a device update before it enrols. */
export interface SoftwareUpdateRequired {
  readonly code: 'com.apple.softwareupdate.required'
  /** For the device's log, and for its user. */
  readonly description: string
  readonly message: string
  readonly details: { readonly OSVersion: string }
}

/** Reads `iOS=18.2 macOS=15.1`. @throws Error that says what is wrong */
export function readMinimumOs(text: string): MinimumOs {
  return new Map(
    text.split(/[\s,]+/).map((entry) => {
      const [name = '', version = ''] = entry.split('=')
      const family = familyNamed(name)
      if (family === undefined || !/^\d+(\.\d+){0,2}$/.test(version)) {
        throw new OwnError(
          `"${entry}" is not a system and version such as macOS=15.1; ` +
            `systems are ${familyNames().join(', ')}`,
        )
      }
      return [family, version]
    }),
  )
}

/**
 * The answer to a device that is older than its family's minimum. Undefined when it may enrol: it is new
 * enough, there is no minimum, or it cannot update here and would be stuck in Setup Assistant.
 */
export function softwareUpdateRequired(
  info: MachineInfo,
  minimum: MinimumOs,
): SoftwareUpdateRequired | undefined {
  const family = familyNames().find((name) => FAMILIES[name].test(info.product))
  const wanted = family && minimum.get(family)
  if (
    wanted === undefined ||
    !info.canRequestSoftwareUpdate ||
    info.osVersion === '' ||
    !isOlder(info.osVersion, wanted)
  ) {
    return undefined
  }
  return {
    code: 'com.apple.softwareupdate.required',
    description: `${family} ${info.osVersion} is older than ${wanted}`,
    message: `This device needs ${family} ${wanted} or later before it can be managed.`,
    details: { OSVersion: wanted },
  }
}

function familyNames(): Family[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys widens to string
  return Object.keys(FAMILIES) as Family[]
}

function familyNamed(name: string): Family | undefined {
  return familyNames().find((family) => family.toLowerCase() === name.toLowerCase())
}

/**
 * `17.5` is `17.5.0`; a part that is not a number, such as the letter of a rapid security response, counts
 * as 0.
 */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(than)]
  const at = [0, 1, 2].find((index) => a[index] !== b[index])
  return at !== undefined && (a[at] ?? 0) < (b[at] ?? 0)
}

function numbersOf(version: string): number[] {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return [0, 1, 2].map((index) => parts[index] ?? 0)
}
