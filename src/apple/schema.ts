/** Apple's published schema of commands (github.com/apple/device-management), reduced to the parts that decisions need. */
import type { Platform } from './platform.ts'
import table from './commands.json' with { type: 'json' }

/** A key of a command, or of an answer. `item` is what its array holds; `on` is absent where all platforms of its parent have it. */
export interface KeySchema {
  readonly type: string
  readonly required?: boolean
  readonly on?: string
  readonly enum?: readonly (string | number | boolean)[]
  readonly item?: KeySchema
  readonly keys?: Keys
  /** The keys are an app's own. */
  readonly any?: boolean
  /** The texts that it may be. */
  readonly values?: Readonly<Record<string, Part>>
  /** The dictionaries that it may be, by their `Item`. */
  readonly kinds?: Kinds
}

type Kinds = Readonly<Record<string, Part & { readonly keys: Keys }>>

export type Keys = Readonly<Record<string, KeySchema>>

/** A part that exists on some platforms only; `replacement` takes its place where it is gone. */
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

/** Keys that every command takes. */
export const EVERY_COMMAND: Keys = table.everyCommand

export const REMOVED_IN_PROFILES: ReadonlyMap<string, Removal> = new Map(
  Object.entries(table.profiles),
)

/** Every request type that Apple documents, in alphabetical order. */
export const REQUEST_TYPES: readonly string[] = [...COMMANDS.keys()]

/** What Apple documents of a request type; undefined for one that it does not. */
export function commandSchema(requestType: string): CommandSchema | undefined {
  return COMMANDS.get(requestType)
}

/** The queries of DeviceInformation, by name. */
export const QUERIES: Readonly<Record<string, Part>> =
  commandSchema('DeviceInformation')?.keys?.['Queries']?.item?.values ?? {}

/** The settings of the Settings command, by their `Item`. */
export const SETTINGS: Kinds = commandSchema('Settings')?.keys?.['Settings']?.item?.kinds ?? {}

/** The entry under a name that a sender chose: `constructor` has none. */
export function lookUp<T>(
  entries: Readonly<Record<string, T>> | undefined,
  name: string,
): T | undefined {
  return entries && Object.hasOwn(entries, name) ? entries[name] : undefined
}

/** Where something exists on one platform: the channels' letters, the first version, and the one that no longer has it. */
export interface Availability {
  readonly channels: string
  readonly since: string
  readonly until: string | undefined
}

const ON = /^(\w+):(\w*)@([\d.]+)(?:-([\d.]+))?$/

/** Reads `on` (see the legend of commands.json) for a platform; undefined where it does not exist there at all. */
export function availability(on: string, platform: Platform): Availability | undefined {
  const name = applesName(platform)
  const entry = on.split(' ').find((part) => part.startsWith(`${name}:`))
  const [, , channels, since, until] = ON.exec(entry ?? '') ?? []
  return channels === undefined || since === undefined ? undefined : { channels, since, until }
}

/** Apple's schema knows iPadOS as iOS. */
export function applesName(platform: Platform): Exclude<Platform, 'iPadOS'> {
  return platform === 'iPadOS' ? 'iOS' : platform
}

/** Whether version `a` comes before `b`: `9.3` before `26.0`, and `15` is `15.0`. */
export function isBefore(a: string, b: string): boolean {
  const left = a.split('.').map(Number)
  const right = b.split('.').map(Number)
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
