/**
 * Apple's published schema of declarations (github.com/apple/device-management), reduced to the parts that
 * decisions need. In declarations.json, names lack their `com.apple.`; a key is a type, with `!` if it is
 * required, or an object. A dictionary has `keys`, or free keys whose values `each` describes, or free keys
 * with any values. `keys` that is a name stands in `shared`. `single`: a device applies one declaration of
 * the type. `status` holds the items that a device reports.
 *
 * `on` lists platforms, as in commands.json. The letters say where: d device channel, u user channel of
 * macOS, s device channel of a Shared iPad, m user channel of a Shared iPad, p also without supervision,
 * e also under User Enrollment. Of a key, it lists only the platforms where the key needs more than the
 * dictionary that holds it; without letters, the platform does not have the key.
 */
import table from './declarations.json' with { type: 'json' }
import { lookUp, type Keys, type KeySchema } from './schema.ts'

const PREFIX = 'com.apple.'
const ASSET = 'com.apple.asset.'

/** A key as the table has it: see above. */
type RawKey = string | RawSchema
type RawKeys = Readonly<Record<string, RawKey>>

interface RawSchema extends Pick<KeySchema, 'type' | 'on' | 'enum' | 'range' | 'assets'> {
  readonly item?: RawKey
  readonly each?: RawKey
  readonly keys?: RawKeys | string
}

interface RawDeclaration {
  readonly on: string
  readonly single?: boolean
  readonly keys?: RawKeys | string
}

export interface DeclarationSchema {
  readonly on: string
  readonly single: boolean
  /** Absent: all keys are the admin's own. */
  readonly keys?: Keys
}

/** The payload of a declaration, as JSON. */
export type DeclarationPayload = Readonly<Record<string, unknown>>

const DECLARATIONS: Readonly<Record<string, RawDeclaration>> = table.declarations
const SHARED: Readonly<Record<string, RawKeys>> = table.shared

/** Every declaration type that Apple documents, in alphabetical order. */
export const DECLARATION_TYPES: readonly string[] = Object.keys(DECLARATIONS).map(
  (name) => PREFIX + name,
)

/** The status items that a device reports: `on` by name. */
export const STATUS_ITEMS: Readonly<Record<string, string>> = table.status

/** Apple's description of a declaration type; undefined when Apple has none. */
export function declarationSchema(type: string): DeclarationSchema | undefined {
  const raw = type.startsWith(PREFIX) ? lookUp(DECLARATIONS, type.slice(PREFIX.length)) : undefined
  if (raw === undefined) {
    return undefined
  }
  const { on, single = false, keys } = raw
  return { on, single, ...(keys !== undefined && { keys: readKeys(keys) }) }
}

/** Bookmark folders hold bookmark folders: keys are read once, so that they can hold themselves. */
const read = new Map<RawKeys, Keys>()

function readKeys(named: RawKeys | string): Keys {
  const raw = typeof named === 'string' ? (lookUp(SHARED, named) ?? {}) : named
  const known = read.get(raw)
  if (known) {
    return known
  }
  const keys: Record<string, KeySchema> = {}
  read.set(raw, keys)
  for (const [name, key] of Object.entries(raw)) {
    keys[name] = readKey(key)
  }
  return keys
}

function readKey(raw: RawKey): KeySchema {
  const { type, item, each, keys, assets, ...rest } = typeof raw === 'string' ? { type: raw } : raw
  const name = type.replace('!', '')
  return {
    ...rest,
    // JSON has data as base64.
    type: name === 'data' ? 'string' : name,
    required: type.endsWith('!'),
    ...(assets && { assets: assets.map((asset) => ASSET + asset) }),
    ...(item !== undefined && { item: readKey(item) }),
    ...(each !== undefined && { each: readKey(each) }),
    ...(keys !== undefined && { keys: readKeys(keys) }),
  }
}

/** A value of a payload that the schema describes, and its path below the payload. */
export interface Described {
  readonly path: readonly (string | number)[]
  readonly value: unknown
  readonly schema: KeySchema
}

/** All values of a payload that the schema describes, parents first. */
export function* describedIn(
  dict: DeclarationPayload,
  { keys, each }: Pick<KeySchema, 'keys' | 'each'>,
  path: Described['path'] = [],
): Generator<Described, void, undefined> {
  for (const [key, value] of Object.entries(dict)) {
    const schema = keys ? lookUp(keys, key) : each
    if (schema) {
      yield* described(value, schema, [...path, key])
    }
  }
}

function* described(
  value: unknown,
  schema: KeySchema,
  path: Described['path'],
): Generator<Described, void, undefined> {
  yield { path, value, schema }
  if (Array.isArray(value) && schema.item) {
    for (const [at, one] of value.entries()) {
      yield* described(one, schema.item, [...path, at])
    }
  } else if (isObject(value)) {
    yield* describedIn(value, schema, path)
  }
}

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is DeclarationPayload {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
