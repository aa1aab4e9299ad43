import { lookUp, type Keys, type KeySchema } from '../apple/schema.ts'
import type { PlistValue } from '../plist/value.ts'
import { bytesField, bytesFrom, GoFieldError, isJsonArray, isJsonObject } from './go-fields.ts'
import type { JsonObject, JsonValue } from './go-json.ts'

/** The schema of a key that Apple's does not have. */
const ANYTHING: KeySchema = { type: 'any' }

/**
 * A JSON value as the plist value of the same shape, for objects whose keys belong to an app or to Apple. A
 * null is left out of an object.
 *
 * @param schema turns base64 into data where Apple's schema has data, and `{"$data": "base64"}` anywhere
 * @throws GoFieldError for a null in an array: leaving it out would move its neighbours
 */
export function passThrough(
  value: JsonValue,
  name: string,
  schema?: KeySchema,
): PlistValue | undefined {
  if (value === null) return undefined
  const data = schema && dataOf(value, name, schema)
  if (data) return data
  if (typeof value !== 'object') return value
  if (!isJsonArray(value)) return passObject(value, name, schema)
  return value.map((item, at) => {
    const passed = passThrough(item, `${name}.${at}`, schema && (schema.item ?? ANYTHING))
    if (passed === undefined) {
      throw new GoFieldError(
        `${name}: a plist has no null`,
        `${name} holds a list with a null, which a property list cannot hold: leave it out`,
        name,
      )
    }
    return passed
  })
}

/** {@link passThrough} for an object. @throws GoFieldError */
export function passObject(
  object: JsonObject,
  name: string,
  schema?: KeySchema,
): Record<string, PlistValue> {
  const keys = schema && keysOf(schema, object)
  const dict: Record<string, PlistValue> = Object.create(null)
  for (const [key, item] of Object.entries(object)) {
    const inside = schema && (lookUp(keys, key) ?? ANYTHING)
    const passed = passThrough(item, `${name}.${key}`, inside)
    if (passed !== undefined) dict[key] = passed
  }
  return dict
}

/** The keys of a dictionary. Where several kinds are possible, those of its `Item`. */
function keysOf({ keys, kinds }: KeySchema, object: JsonObject): Keys | undefined {
  const kind = object['Item']
  return typeof kind === 'string' && kinds ? lookUp(kinds, kind)?.keys : keys
}

function dataOf(value: JsonValue, name: string, { type }: KeySchema): Uint8Array | undefined {
  if (isJsonObject(value) && '$data' in value && Object.keys(value).length === 1) {
    return bytesField(value, '$data', name)
  }
  return type === 'data' && typeof value === 'string' ? bytesFrom(value, name) : undefined
}
