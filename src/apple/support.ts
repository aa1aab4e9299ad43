/** Whether a device's OS supports a command. */
import { isArray, isDict } from '../plist/dict.ts'
import type { PlistDict, PlistValue } from '../plist/value.ts'
import { platformOf, type Platform } from './platform.ts'
import {
  applesName,
  availability,
  commandSchema,
  lookUp,
  QUERIES,
  REMOVED_IN_PROFILES,
  SETTINGS,
} from './schema.ts'
import { isBefore } from './version.ts'

/** The device's report of its model and OS; empty where it reports nothing. */
export interface Os {
  readonly productName: string
  readonly osVersion: string
}

const QUERY = 'DeviceInformation/'
const ITEM = 'Settings/'
const PROFILE = 'profile '

/**
 * The parts of a command that an OS may lack, by names that `lacksOf` takes: the command itself, its
 * queries, its settings, and the parts of a profile that some version has removed.
 *
 * @param profile the profile that InstallProfile installs, where it can be read
 */
export function needsOf(
  requestType: string,
  command: PlistDict,
  profile?: PlistDict,
): readonly string[] {
  const needs = [requestType]
  if (requestType === 'DeviceInformation') {
    needs.push(
      ...listOf(command['Queries']).flatMap((one) =>
        typeof one === 'string' ? [QUERY + one] : [],
      ),
    )
  }
  if (requestType === 'Settings') {
    needs.push(...listOf(command['Settings']).flatMap((one) => namesAt(one, 'Item', ITEM)))
  }
  if (profile) {
    needs.push(...listOf(profile['PayloadContent']).flatMap(removable))
  }
  return [...new Set(needs)].filter(isKnown)
}

function removable(payload: PlistValue): readonly string[] {
  const [type] = namesAt(payload, 'PayloadType', PROFILE)
  if (type === undefined || !isDict(payload)) {
    return []
  }
  return [type, ...Object.keys(payload).map((key) => `${type}/${key}`)]
}

function namesAt(value: PlistValue, key: string, prefix: string): readonly string[] {
  const name = isDict(value) ? value[key] : undefined
  return typeof name === 'string' ? [prefix + name] : []
}

/** The array's items; none when the value is not an array. */
function listOf(value: PlistValue | undefined): readonly PlistValue[] {
  return value !== undefined && isArray(value) ? value : []
}

function isKnown(need: string): boolean {
  return factsOf(need) !== undefined
}

/**
 * Where a need is met. `on` is as in the schema; without it, every version before `removed` meets the need.
 */
interface NeedFacts {
  readonly label: string
  readonly on?: string | undefined
  readonly removed?: Readonly<Partial<Record<Platform, string>>> | undefined
  readonly replacement?: string | undefined
}

function factsOf(need: string): NeedFacts | undefined {
  for (const [prefix, read] of READERS) {
    if (need.startsWith(prefix)) {
      return read(need.slice(prefix.length))
    }
  }
  const schema = commandSchema(need)
  return schema && { label: `the command ${need}`, ...schema }
}

const READERS: readonly (readonly [string, (name: string) => NeedFacts | undefined])[] = [
  [PROFILE, (name) => labelled(`${name} in a profile`, REMOVED_IN_PROFILES.get(name))],
  [QUERY, (name) => labelled(`the query ${name}`, lookUp(QUERIES, name))],
  [ITEM, (name) => labelled(`the setting ${name}`, lookUp(SETTINGS, name))],
]

function labelled(
  label: string,
  facts: Omit<NeedFacts, 'label'> | undefined,
): NeedFacts | undefined {
  return facts && { label, ...facts }
}

/** A version in Apple's form; any other text counts as unknown. */
const VERSION = /^\d+(\.\d+)*$/

/**
 * The needs that a device's OS does not meet, each as a text with the reason and the replacement. None for
 * a device of unknown platform. For a device of unknown version, only those that its platform never met.
 */
export function lacksOf(
  needs: readonly string[],
  { productName, osVersion }: Os,
): readonly string[] {
  const platform = platformOf(productName)
  if (platform === undefined) {
    return []
  }
  const version = VERSION.test(osVersion) ? osVersion : undefined
  return needs.flatMap((need) => {
    const facts = factsOf(need)
    const text = facts && lackOf(facts, platform, version)
    return text === undefined ? [] : [text]
  })
}

function lackOf(
  facts: NeedFacts,
  platform: Platform,
  version: string | undefined,
): string | undefined {
  const { label, on, removed, replacement } = facts
  const there = on === undefined ? undefined : availability(on, platform)
  if (on !== undefined && there === undefined) {
    return `${platform} does not have ${label}`
  }
  const until = there?.until ?? removed?.[applesName(platform)]
  if (version === undefined) {
    return undefined
  }
  if (until !== undefined && !isBefore(version, until)) {
    const instead = replacement === undefined ? '' : `; in its place: ${replacement}`
    return `${platform} ${until} has removed ${label}${instead}`
  }
  return there && isBefore(version, there.since)
    ? `${label} came with ${platform} ${there.since}, and the device has ${version}`
    : undefined
}
