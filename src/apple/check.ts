/**
 * Checks a command, or the payload of a declaration, against Apple's schema: its keys, and the types and
 * values of their contents.
 */
import { isArray, isDict } from '../plist/dict.ts'
import type { PlistDict, PlistValue } from '../plist/value.ts'
import { didYouMean } from './nearest.ts'
import {
  commandSchema,
  EVERY_COMMAND,
  lookUp,
  REQUEST_TYPES,
  type CommandSchema,
  type Keys,
  type KeySchema,
} from './schema.ts'

/** A place in a command, as a path of keys below RequestType, and its fault. */
export interface CommandFault {
  readonly path: readonly (string | number)[]
  readonly detail: string
  /** Keys of the command that the detail ends with. Another form of the command names them otherwise. */
  readonly keys?: readonly string[]
}

type Path = CommandFault['path']
type Faults = Generator<CommandFault, void, undefined>

/** Whether a value is not known yet, so that no list of values applies to it. */
type IsOpen = (value: PlistValue) => boolean

/** Apple has no longer name. */
const MAX_NAME = 100

/** A command or a declaration can have thousands of faults; the first ones are enough to correct it. */
export const MAX_FAULTS = 10

/** The server adds it when it is absent (docs/escrow.md). */
export const FILLED_IN: ReadonlySet<string> = new Set(['ClearPasscode.UnlockToken'])

/**
 * Empty has a meaning here: it removes the password (Apple: "SetRecoveryLockCommand.Command"), a Mac may
 * have no second address, and an activation or a subscription may name nothing yet.
 */
export const MAY_BE_EMPTY: ReadonlySet<string> = new Set([
  'NewPassword',
  'SecondaryIPv6AddressList',
  'StandardConfigurations',
  'StatusItems',
])

/**
 * A bitwise OR (Apple: "InstallApplicationCommand.Command"): 0 is not among the values of the schema, but
 * is in use.
 */
const FLAGS: ReadonlySet<string> = new Set(['ManagementFlags'])

/** Queries of Apple's own example ("Device Information") that its schema no longer has. */
const EARLIER_QUERIES: ReadonlySet<string> = new Set([
  'AutomaticAppInstallationEnabled',
  'AutomaticCheckEnabled',
  'AutomaticOSInstallationEnabled',
  'AutomaticSecurityUpdatesEnabled',
  'BackgroundDownloadEnabled',
  'CatalogURL',
  'EthernetMACs',
  'IsDefaultCatalog',
  'Languages',
  'Locales',
  'PerformPeriodicCheck',
  'PreviousScanDate',
  'PreviousScanResult',
  'SIMMCC',
  'SIMMNC',
])

/**
 * Of these keys one has to be there, according to the commands' pages in Apple's documentation. The schema
 * does not say so.
 */
export const ONE_OF: Readonly<Record<string, readonly string[]>> = {
  DeleteUser: ['UserName', 'DeleteAllUsers'],
  EnableLostMode: ['Message', 'PhoneNumber'],
  InstallApplication: ['iTunesStoreID', 'Identifier', 'ManifestURL'],
  InstallEnterpriseApplication: ['Manifest', 'ManifestURL'],
  InstallMedia: ['iTunesStoreID', 'MediaURL'],
}

/** "The six-character PIN" (Apple: "DeviceLockCommand.Command" and "EraseDeviceCommand.Command"). */
export const PIN_LENGTH = 6

/** Types that Apple's documentation or MicroMDM gives where the schema has others. Both are in use. */
const ALSO: Readonly<Record<string, string>> = { ScanTime: 'string', iTunesStoreID: 'integer' }

/**
 * The first ten faults that Apple's schema finds in a command, `{RequestType: …}` with its keys. `lacksOf`
 * tells whether a device has the command.
 */
export function faultsOf(requestType: string, command: PlistDict): readonly CommandFault[] {
  const schema = commandSchema(requestType)
  if (schema === undefined) {
    return [{ path: ['RequestType'], detail: undocumented(requestType) }]
  }
  return commandFaults(requestType, schema, command).take(MAX_FAULTS).toArray()
}

/** The words for a request type that Apple does not document. */
export function undocumented(requestType: string): string {
  return `Apple documents no command of that name${didYouMean(requestType, REQUEST_TYPES)}`
}

function* commandFaults(requestType: string, schema: CommandSchema, command: PlistDict): Faults {
  const { RequestType: _, ...given } = command
  yield* dictFaults(given, { ...EVERY_COMMAND, ...schema.keys }, [], requestType, () => false)
  const oneOf = ONE_OF[requestType]
  if (oneOf && !oneOf.some((key) => says(key, given[key]))) {
    yield { path: ['RequestType'], detail: `${requestType} needs one of`, keys: oneOf }
  }
  const pin = given['PIN']
  if (typeof pin === 'string' && pin.length !== PIN_LENGTH) {
    yield { path: ['PIN'], detail: `has to have ${PIN_LENGTH} characters` }
  }
}

/** The faults of a dictionary at `path`. The details call it by `name`. */
export function* dictFaults(
  dict: PlistDict,
  keys: Keys,
  path: Path,
  name: string,
  isOpen: IsOpen,
): Faults {
  for (const key in dict) {
    const value = dict[key]
    const schema = lookUp(keys, key)
    if (value === undefined) {
      continue
    }
    if (schema === undefined) {
      const detail = `${name} has no such key${didYouMean(key, Object.keys(keys))}`
      yield { path: [...path, shortened(key)], detail }
    } else {
      yield* valueFaults(value, schema, [...path, key], isOpen)
    }
  }
  for (const [key, { required }] of Object.entries(keys)) {
    const value = dict[key]
    if (required && value === undefined && !FILLED_IN.has(`${name}.${key}`)) {
      yield { path: [...path, key], detail: `is missing: ${name} needs it` }
    }
    if (required && value !== undefined && isEmpty(key, value)) {
      yield { path: [...path, key], detail: `is empty: ${name} needs it` }
    }
  }
}

/** A faulty name, cut: it may be as long as the request. */
export function shortened(name: string): string {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name
}

/** An empty name counts as none, and `DeleteAllUsers` false needs a name. */
function says(key: string, value: PlistValue | undefined): boolean {
  return value !== undefined && value !== false && !isEmpty(key, value)
}

function isEmpty(key: string, value: PlistValue): boolean {
  return hasLength(value) && value.length === 0 && !MAY_BE_EMPTY.has(key)
}

function hasLength(value: PlistValue): value is string | Uint8Array | readonly PlistValue[] {
  return typeof value === 'string' || value instanceof Uint8Array || isArray(value)
}

function* valueFaults(value: PlistValue, schema: KeySchema, path: Path, isOpen: IsOpen): Faults {
  const type = typeOf(value)
  if (schema.type === 'any') {
    return
  }
  if (type !== schema.type) {
    if (ALSO[String(path.at(-1))] !== type) {
      yield { path, detail: `has to be ${DUE[schema.type] ?? schema.type}` }
    }
    return
  }
  yield* listFaults(value, schema, path, isOpen)
  yield* contentFaults(value, schema, path, isOpen)
}

/** The values that Apple lists for a key. */
function* listFaults(value: PlistValue, schema: KeySchema, path: Path, isOpen: IsOpen): Faults {
  const values = FLAGS.has(String(path.at(-1))) ? [0, ...(schema.enum ?? [])] : schema.enum
  if (values && !isOpen(value) && !values.some((one) => one === value)) {
    yield { path, detail: `has to be one of ${values.join(', ')}` }
  }
  if (typeof value === 'number' && schema.range) {
    yield* rangeFaults(value, schema.range, path)
  }
  if (
    schema.values &&
    typeof value === 'string' &&
    lookUp(schema.values, value) === undefined &&
    !EARLIER_QUERIES.has(value)
  ) {
    yield {
      path,
      detail: `Apple documents no ${shortened(value)}${didYouMean(value, Object.keys(schema.values))}`,
    }
  }
}

function* rangeFaults(value: number, range: readonly number[], path: Path): Faults {
  const [least = -Infinity, most = Infinity] = range
  if (value < least || value > most) {
    const upTo = most === Infinity ? '' : `, and ${most} at most`
    yield { path, detail: `has to be ${least} at least${upTo}` }
  }
}

function* contentFaults(value: PlistValue, schema: KeySchema, path: Path, isOpen: IsOpen): Faults {
  const { item, keys, each, kinds } = schema
  if (isArray(value) && item) {
    for (const [at, one] of value.entries()) {
      yield* valueFaults(one, item, [...path, at], isOpen)
    }
  }
  if (isDict(value) && keys) {
    yield* dictFaults(value, keys, path, nameOf(path), isOpen)
  }
  if (isDict(value) && each) {
    for (const [key, one] of Object.entries(value)) {
      yield* valueFaults(one, each, [...path, shortened(key)], isOpen)
    }
  }
  if (isDict(value) && kinds) {
    const kind = value['Item']
    const name = typeof kind === 'string' ? kind : ''
    const known = lookUp(kinds, name)
    if (known) {
      yield* dictFaults(value, known.keys, path, name, isOpen)
    } else if (kind === undefined || kind === '') {
      yield { path: [...path, 'Item'], detail: 'is missing: it says which setting is meant' }
    } else {
      const meant = didYouMean(name, Object.keys(kinds))
      yield { path: [...path, 'Item'], detail: `Apple documents no such setting${meant}` }
    }
  }
}

/** The name of a dictionary inside a command: its key, or the key of the list that holds it. */
function nameOf(path: Path): string {
  return path.findLast((step) => typeof step === 'string') ?? 'Command'
}

const DUE: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  integer: 'a whole number',
  data: 'data',
  array: 'a list',
  dictionary: 'a dictionary',
}

function typeOf(value: PlistValue): string {
  if (typeof value === 'bigint') return 'integer'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'real'
  if (typeof value !== 'object') return typeof value
  if (value instanceof Uint8Array) return 'data'
  if (value instanceof Date) return 'date'
  return isArray(value) ? 'array' : 'dictionary'
}
