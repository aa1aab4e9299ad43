import { decodeBase64 } from '../plist/base64.ts'
import type { JsonObject, JsonValue } from './go-json.ts'
import { OwnError } from '../reason.ts'

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/**
 * A field of another type than its Go struct declares. MicroMDM's clients get the message, which is Go's,
 * unchanged; `plain` is the text for our own API.
 */
export class GoFieldError extends OwnError {
  override readonly name = 'GoFieldError'
  readonly plain: string
  /** The faulty field, if there is one. */
  readonly at: string | undefined

  constructor(message: string, plain = message, at?: string) {
    super(message)
    this.plain = plain
    this.at = at
  }
}

/** Whether the value is a JSON object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The value at `name`, as Go's decoder would assign it: an exactly equal key comes first, else any case
 * matches, and the last one wins. `null` is undefined, because it leaves a struct field unchanged (Go,
 * "encoding/json": Unmarshal).
 */
export function fieldAt(object: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(object, name)) return object[name] ?? undefined
  const folded = name.toLowerCase()
  let found: JsonValue | undefined
  for (const key in object) if (key.toLowerCase() === folded) found = object[key]
  return found ?? undefined
}

/**
 * The string at `name`; undefined when absent or null. `struct` is the Go type named in the message, here
 * and in the readers below.
 *
 * @throws GoFieldError
 */
export function stringField(object: JsonObject, name: string, struct: string): string | undefined {
  const value = fieldAt(object, name)
  if (value === undefined || typeof value === 'string') return value
  return mistyped(value, `${struct}.${name}`, 'string')
}

/**
 * The boolean at `name`. The strings `"true"` and `"false"` count, so that MicroMDM's `set_*` scripts work
 * (github.com/micromdm/micromdm, tools/api/commands).
 *
 * @throws GoFieldError
 */
export function boolField(object: JsonObject, name: string, struct: string): boolean | undefined {
  const value = fieldAt(object, name)
  if (value === undefined || typeof value === 'boolean') return value
  if (value === 'true') return true
  if (value === 'false') return false
  return mistyped(value, `${struct}.${name}`, 'bool')
}

/** The integer at `name`, within an int64. @throws GoFieldError, for fractions too */
export function integerField(
  object: JsonObject,
  name: string,
  struct: string,
): number | bigint | undefined {
  const value = fieldAt(object, name)
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value + 0
  if (typeof value === 'bigint' && value >= MIN_INT64 && value <= MAX_INT64) return value
  return mistyped(value, `${struct}.${name}`, 'int64')
}

/**
 * The bytes at `name`: padded standard base64, in which CR and LF may stand, or an array of numbers.
 * @throws GoFieldError
 */
export function bytesField(
  object: JsonObject,
  name: string,
  struct: string,
): Uint8Array | undefined {
  const value = fieldAt(object, name)
  return value === undefined ? undefined : bytesFrom(value, `${struct}.${name}`)
}

/** The strings at `name`; a null among them is empty, as in Go. @throws GoFieldError */
export function stringsField(
  object: JsonObject,
  name: string,
  struct: string,
): readonly string[] | undefined {
  return arrayField(object, name, struct, '[]string')?.map((item) => {
    if (typeof item === 'string') return item
    return item === null ? '' : mistyped(item, `${struct}.${name}`, 'string', EACH)
  })
}

/** The list of byte strings at `name`. @throws GoFieldError */
export function bytesListField(
  object: JsonObject,
  name: string,
  struct: string,
): readonly Uint8Array[] | undefined {
  return arrayField(object, name, struct, '[][]uint8')?.map((item) =>
    item === null ? new Uint8Array() : bytesFrom(item, `${struct}.${name}`, EACH),
  )
}

/** The object at `name`. @throws GoFieldError */
export function objectField(
  object: JsonObject,
  name: string,
  struct: string,
): JsonObject | undefined {
  const value = fieldAt(object, name)
  if (value === undefined || isJsonObject(value)) return value
  return mistyped(value, `${struct}.${name}`, 'object')
}

/** The list of objects at `name`; a null among them is an empty object. @throws GoFieldError */
export function objectsField(
  object: JsonObject,
  name: string,
  struct: string,
): readonly JsonObject[] | undefined {
  return arrayField(object, name, struct, '[]object')?.map((item) => {
    if (isJsonObject(item)) return item
    return item === null ? {} : mistyped(item, `${struct}.${name}`, 'object', EACH)
  })
}

function arrayField(
  object: JsonObject,
  name: string,
  struct: string,
  type: string,
): readonly JsonValue[] | undefined {
  const value = fieldAt(object, name)
  if (value === undefined || isJsonArray(value)) return value
  return mistyped(value, `${struct}.${name}`, type)
}

/** Whether the value is an array. `Array.isArray` does not narrow readonly arrays. */
export function isJsonArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** The bytes that a value encodes; `field` is its place. @throws GoFieldError */
export function bytesFrom(value: JsonValue, field: string, each = ''): Uint8Array {
  if (typeof value === 'string') {
    const bytes = decodeBase64(value, '\r\n')
    if (typeof bytes !== 'number') return bytes
    throw new GoFieldError(
      `illegal base64 data at input byte ${bytes}`,
      `${each}${pathOf(field)} has to be padded base64: character ${bytes + 1} is out of place`,
      pathOf(field),
    )
  }
  if (!isJsonArray(value)) return mistyped(value, field, '[]uint8', each)
  return Uint8Array.from(value, (item) => {
    if (item === null) return 0
    if (typeof item === 'number' && Number.isInteger(item) && item >= 0 && item <= 255) return item
    return mistyped(item, field, 'uint8', EACH)
  })
}

/** Go's message about an entry is that about its list. */
const EACH = 'each of '

function mistyped(value: JsonValue, field: string, type: string, each = ''): never {
  const kind = kindOf(value, type)
  const due = DUE.get(type) ?? type
  const plainKind = PLAIN_KINDS.get(kind) ?? kind.replace('number ', '')
  throw new GoFieldError(
    `json: cannot unmarshal ${kind} into Go struct field ${field} of type ${type}`,
    `${each}${pathOf(field)} has to be ${due}, not ${plainKind}`,
    pathOf(field),
  )
}

/** The place where a client wrote the field. Go's struct is not part of it, but Apple's `Command` is. */
function pathOf(field: string): string {
  return field.startsWith('Command.') ? field : field.slice(field.indexOf('.') + 1)
}

const DUE: ReadonlyMap<string, string> = new Map([
  ['string', 'a string'],
  ['bool', 'true or false'],
  ['int64', 'a whole number'],
  ['uint8', 'a number from 0 to 255'],
  ['object', 'an object'],
  ['[]uint8', 'base64'],
  ['[]string', 'a list of strings'],
  ['[][]uint8', 'a list of base64 strings'],
  ['[]object', 'a list of objects'],
])

const PLAIN_KINDS: ReadonlyMap<string, string> = new Map([
  ['array', 'a list'],
  ['bool', 'true or false'],
  ['string', 'a string'],
  ['object', 'an object'],
  ['number', 'a number'],
])

/** Go's word for a JSON value; a number that does not fit a numeric type is quoted. */
function kindOf(value: JsonValue, type: string): string {
  if (isJsonArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'object') return 'object'
  return type === 'int64' || type === 'uint8' ? `number ${value}` : 'number'
}
