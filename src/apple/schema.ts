/**
 * Apple's published schema of commands (github.com/apple/device-management, Release-v27.0 at 09f249a06e7e,
 * and the 27.2 pre-release at 7afa3500b9c6), reduced to the parts that decisions need: `commands.json` has
 * the keys that each command takes, and `profiles` the payload types, and keys in them, that a version has
 * removed.
 *
 * `on` lists the platforms of a part. Letters give the channels (`d` device, `u` macOS user, `s` device
 * channel and `m` user channel of a Shared iPad, `e` also under User Enrollment), `@` comes before the first
 * version, and `-` before the version that no longer has it. Apple counts iPadOS as iOS.
 */
import type { Platform } from './platform.ts'
import table from './commands.json' with { type: 'json' }

/**
 * A key of a command, or of an answer. `item` describes the items of its array. `on` is absent when the key
 * exists on all platforms of its parent.
 */
export interface KeySchema {
  readonly type: string
  readonly required?: boolean
  readonly on?: string
  readonly enum?: readonly (string | number | boolean)[]
  /** The least number and, where there is one, the greatest. */
  readonly range?: readonly number[]
  readonly item?: KeySchema
  readonly keys?: Keys
  /** The values of a dictionary whose keys are an app's own. */
  readonly each?: KeySchema
  /** The text names an asset of one of these declaration types. */
  readonly assets?: readonly string[]
  /** The keys are an app's own. */
  readonly any?: boolean
  /** The texts that it may hold. */
  readonly values?: Readonly<Record<string, Part>>
  /** The dictionaries that it may hold, by their `Item`. */
  readonly kinds?: Kinds
}

type Kinds = Readonly<Record<string, Part & { readonly keys: Keys }>>

export type Keys = Readonly<Record<string, KeySchema>>

/** A part that exists on some platforms only. `replacement` names its successor, where it was removed. */
export interface Part {
  readonly on: string
  readonly replacement?: string
}

export interface CommandSchema extends Part {
  readonly keys?: Keys
}

/** A payload type, or `type/key`, that versions have removed. */
export interface Removal {
  readonly removed: Readonly<Partial<Record<Platform, string>>>
  readonly replacement?: string
}

const COMMANDS: ReadonlyMap<string, CommandSchema> = new Map(Object.entries(table.commands))

/** Keys that every command may have. */
export const EVERY_COMMAND: Keys = table.everyCommand

export const REMOVED_IN_PROFILES: ReadonlyMap<string, Removal> = new Map(
  Object.entries(table.profiles),
)

/** Every request type that Apple documents, in alphabetical order. */
export const REQUEST_TYPES: readonly string[] = [...COMMANDS.keys()]

/** Apple's description of a request type; undefined when Apple has none. */
export function commandSchema(requestType: string): CommandSchema | undefined {
  return COMMANDS.get(requestType)
}

/** The queries of DeviceInformation, by name. */
export const QUERIES: Readonly<Record<string, Part>> =
  commandSchema('DeviceInformation')?.keys?.['Queries']?.item?.values ?? {}

/** The settings of the Settings command, by their `Item`. */
export const SETTINGS: Kinds = commandSchema('Settings')?.keys?.['Settings']?.item?.kinds ?? {}

/** The entry under a name that the sender chose: `constructor` finds none. */
export function lookUp<T>(
  entries: Readonly<Record<string, T>> | undefined,
  name: string,
): T | undefined {
  return entries && Object.hasOwn(entries, name) ? entries[name] : undefined
}

/**
 * Where something exists on one platform: the channels' letters, the first version, and the version that
 * removed it.
 */
export interface Availability {
  readonly channels: string
  readonly since: string
  readonly until: string | undefined
}

const ON = /^(\w+):(\w*)@([\d.]+)(?:-([\d.]+))?$/

/** Reads `on` (above; declarations.ts has its own) for a platform; undefined when it does not exist there. */
export function availability(on: string, platform: Platform): Availability | undefined {
  const name = applesName(platform)
  const entry = on.split(' ').find((part) => part.startsWith(`${name}:`))
  const [, , channels, since, until] = ON.exec(entry ?? '') ?? []
  return channels === undefined || since === undefined ? undefined : { channels, since, until }
}

/** Apple's schema treats iPadOS as iOS. */
export function applesName(platform: Platform): Exclude<Platform, 'iPadOS'> {
  return platform === 'iPadOS' ? 'iOS' : platform
}
