import { Buffer } from 'node:buffer'
import { type Platform, platformOf, PLATFORMS } from '../../apple/platform.ts'
import { isRawDict, type RawDict } from '../status/value.ts'
import { isVersion, type OsRelease } from './version.ts'

export type VersionsReading =
  | { readonly kind: 'versions'; readonly releases: readonly OsRelease[] }
  | { readonly kind: 'fault'; readonly reason: string }

const MAX_LIST_BYTES = 2_000_000
const MAX_RELEASES = 5000

/** The lists of Apple's service; the last holds additions. A version is often in two of them. */
const IMPROVEMENTS = 'PublicBackgroundSecurityImprovements'
const LISTS = ['PublicAssetSets', 'AssetSets', IMPROVEMENTS]

/** The platforms of Apple's keys, for entries without models. `iOS` has the models of four platforms. */
const APPLES_KEYS = {
  iOS: ['iOS', 'iPadOS'],
  macOS: ['macOS'],
  visionOS: ['visionOS'],
} as const satisfies Readonly<Record<string, readonly Platform[]>>

/**
 * Reads a list of OS versions: the answer of `https://gdmf.apple.com/v2/pmv` (Apple: "Use the Apple Software
 * Lookup Service"), or a list of an admin, such as
 * `{"versions":[{"platform":"macOS","version":"26.2","released":"2026-11-01"}]}`, where an entry may also
 * have `build`, `expires` and `devices`. Entries of Apple's without a version or a date are left out.
 *
 * @param json at most 2 MB and 5,000 entries
 */
export function readVersions(json: string): VersionsReading {
  if (Buffer.byteLength(json) > MAX_LIST_BYTES) {
    return fault('the list has more than 2 MB: remove versions that no device needs')
  }
  const root = parseDict(json)
  if (root && Array.isArray(root['versions'])) {
    return readOwn(root['versions'])
  }
  if (root && LISTS.some((list) => isRawDict(root[list]))) {
    return readApples(root)
  }
  return fault('the list is neither {"versions":[…]} nor an answer of gdmf.apple.com/v2/pmv')
}

function fault(reason: string): VersionsReading {
  return { kind: 'fault', reason }
}

function parseDict(json: string): RawDict | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return isRawDict(value) ? value : undefined
  } catch {
    return undefined
  }
}

function tooMany(count: number): VersionsReading | undefined {
  return count > MAX_RELEASES
    ? fault(`the list has ${count} versions, and at most ${MAX_RELEASES} are read: shorten it`)
    : undefined
}

function readApples(root: RawDict): VersionsReading {
  const entries = LISTS.flatMap((list) =>
    Object.entries(APPLES_KEYS).flatMap(([key, platforms]) => {
      const lists = root[list]
      const found: unknown = isRawDict(lists) ? lists[key] : undefined
      const dicts = Array.isArray(found) ? found.filter(isRawDict) : []
      return dicts.map((entry) => applesRelease(entry, platforms, list === IMPROVEMENTS))
    }),
  )
  const releases = entries.filter((release) => release !== undefined)
  if (releases.length === 0) {
    return fault('no entry of the list has a ProductVersion and a PostingDate')
  }
  const distinct = new Map(releases.map((release) => [JSON.stringify(release), release]))
  return tooMany(entries.length) ?? { kind: 'versions', releases: [...distinct.values()] }
}

function applesRelease(
  entry: RawDict,
  platforms: readonly Platform[],
  supplemental: boolean,
): OsRelease | undefined {
  const { ProductVersion: version, Build: build, PostingDate: posted } = entry
  const { ExpirationDate: expires, SupportedDevices: models } = entry
  if (!isVersionText(version) || !isDay(posted)) {
    return undefined
  }
  const devices = isTexts(models) ? models : []
  const own = PLATFORMS.filter((platform) => devices.some((one) => platformOf(one) === platform))
  const isMixed = platforms.length > 1 && devices.length > 0
  return {
    platforms: isMixed ? own : platforms,
    version,
    build: isBuild(build) ? build : '',
    released: Date.parse(posted),
    ...(isDay(expires) && { expires: Date.parse(expires) }),
    devices,
    supplemental,
  }
}

function readOwn(list: readonly unknown[]): VersionsReading {
  const releases: OsRelease[] = []
  for (const [at, entry] of list.entries()) {
    const read = ownRelease(entry)
    if (typeof read === 'string') {
      return fault(`versions[${at}]: ${read}`)
    }
    releases.push(read)
  }
  return tooMany(list.length) ?? { kind: 'versions', releases }
}

const OWN_KEYS = new Set(['platform', 'version', 'build', 'released', 'expires', 'devices'])

/** @returns what is wrong with it, or the release. */
function ownRelease(entry: unknown): OsRelease | string {
  if (!isRawDict(entry)) {
    return 'write {"platform","version","released"}'
  }
  const { version, build = '', released, expires, devices = [] } = entry
  const platform = PLATFORMS.find((one) => one === entry['platform'])
  const stranger = Object.keys(entry).find((key) => !OWN_KEYS.has(key))
  if (stranger !== undefined) {
    return `a key is unknown: use ${[...OWN_KEYS].join(', ')}`
  }
  if (!platform) {
    return `"platform" is one of ${PLATFORMS.join(', ')}`
  }
  if (!isVersionText(version)) {
    return '"version" is a text such as "26.2"'
  }
  if (!isDay(released) || (expires !== undefined && !isDay(expires))) {
    return '"released" and "expires" are days such as "2026-11-01"; "expires" is optional'
  }
  if (build !== '' && !isBuild(build)) {
    return '"build" is a text such as "25C56"'
  }
  if (!isTexts(devices)) {
    return '"devices" is a list of models such as "Mac16,1"'
  }
  return {
    platforms: [platform],
    version,
    build,
    released: Date.parse(released),
    ...(expires !== undefined && { expires: Date.parse(expires) }),
    devices,
    supplemental: false,
  }
}

function isVersionText(value: unknown): value is string {
  return typeof value === 'string' && isVersion(value)
}

function isBuild(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9A-Za-z]{1,20}$/.test(value)
}

function isDay(value: unknown): value is string {
  return (
    typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value))
  )
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}
