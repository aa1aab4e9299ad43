/** The operating systems of simulated devices: their versions, builds and user agents. */
import type { Platform } from '../../apple/platform.ts'

export interface OperatingSystem {
  readonly version: string
  readonly build: string
  readonly userAgent: string
}

/** The release of a new device. */
export const DEFAULT_RELEASE = '26.4'

/** Until iOS 18 each OS had its own numbers: the distance from iOS's. */
const BEHIND_IOS: Readonly<Record<Platform, number>> = {
  macOS: 3,
  iOS: 0,
  iPadOS: 0,
  tvOS: 0,
  watchOS: 7,
  visionOS: 16,
}
const LAST_OWN_NUMBERS = 18
const FIRST_COMMON_NUMBER = 26

const VERSION = /^([1-9]\d?)(?:\.(\d))?(?:\.(\d))?$/

export function isOsVersion(text: string): boolean {
  return VERSION.test(text)
}

/**
 * The name of a release in iOS's numbers: `27` is `27.0`, and `18.1` is macOS 15.1 too. @throws Error for
 * other texts
 */
export function readRelease(text: string): string {
  const [, major, minor = '0', patch] = VERSION.exec(text) ?? []
  const number = Number(major)
  if (number !== LAST_OWN_NUMBERS && !(number >= FIRST_COMMON_NUMBER)) {
    throw new Error(
      'not a release of iOS 18, or of 26 and later, such as 27.0, or 18.1 for macOS 15.1',
    )
  }
  return [number, minor, ...(patch === undefined ? [] : [patch])].join('.')
}

/** The version that a release has on a platform. @throws Error as `readRelease`. */
export function versionIn(release: string, platform: Platform): string {
  const [major = '', ...rest] = readRelease(release).split('.')
  const behind = Number(major) <= LAST_OWN_NUMBERS ? BEHIND_IOS[platform] : 0
  return [Number(major) - behind, ...rest].join('.')
}

/** The first letter of a platform's builds, and how many minor versions share one. */
const BUILD_LETTERS: Readonly<Record<Platform, readonly [letter: string, minors: number]>> = {
  macOS: ['A', 1],
  iOS: ['A', 1],
  iPadOS: ['A', 1],
  tvOS: ['J', 2],
  watchOS: ['R', 2],
  visionOS: ['M', 2],
}

/** @throws Error for a version that does not exist */
export function operatingSystem(platform: Platform, version: string): OperatingSystem {
  const [, major, minor = '0', patch = '0'] = VERSION.exec(version) ?? []
  if (major === undefined) {
    throw new Error(`${version}: not a version of ${platform}, such as 26.4 or 26.4.1`)
  }
  const number = Number(major)
  const iOS = number < FIRST_COMMON_NUMBER ? number + BEHIND_IOS[platform] : number
  // The numbers of the OS skip from 18 to 26, those of builds and of Darwin do not.
  const darwin = iOS < FIRST_COMMON_NUMBER ? iOS + 6 : iOS - 1
  const [letter, minors] = BUILD_LETTERS[platform]
  const branch = String.fromCharCode(letter.charCodeAt(0) + Math.floor(Number(minor) / minors))
  return {
    version,
    build: `${platform === 'macOS' ? darwin : darwin - 2}${branch}${83 + Number(patch)}`,
    userAgent:
      platform === 'macOS'
        ? `mdmclient/1700 CFNetwork/1568.200.51 Darwin/${darwin}.${minor}.${patch} (arm64)`
        : 'MDM/1.0',
  }
}

/** The version and the build after these, which a device offers as its update. */
export function nextUpdate({
  version,
  build,
}: OperatingSystem): Omit<OperatingSystem, 'userAgent'> {
  const [major = '', minor = '0', patch = '0'] = version.split('.')
  return {
    version: [major, minor, Number(patch) + 1].join('.'),
    build: build.replace(/\d+$/, (number) => String(Number(number) + 1)),
  }
}
