import type { PlistValue } from '../plist/value.ts'
import { GoFieldError } from './go-fields.ts'
import type { JsonObject, JsonValue } from './go-json.ts'

/** Reads a JSON value that stands for something JSON has no words for; undefined leaves it to {@link passThrough}. */
type Special = (value: JsonValue, name: string) => PlistValue | undefined

const nothingSpecial: Special = () => undefined

/**
 * A JSON value as the plist value of the same shape, for objects whose keys belong to an app or to Apple. A null is
 * left out of an object.
 *
 * @throws GoFieldError for a null in an array: leaving it out would move its neighbours
 */
export function passThrough(
  value: JsonValue,
  name: string,
  special: Special = nothingSpecial,
): PlistValue | undefined {
  if (value === null) return undefined
  if (typeof value !== 'object') return value
  const read = special(value, name)
  if (read !== undefined) return read
  if (!isArray(value)) return passObject(value, name, special)
  return value.map((item, at) => {
    const passed = passThrough(item, `${name}.${at}`, special)
    if (passed === undefined) {
      throw new GoFieldError(
        `${name}: a plist has no null`,
        `${name} holds a list with a null, which a property list cannot hold: leave it out`,
      )
    }
    return passed
  })
}

/** {@link passThrough} for an object. @throws GoFieldError */
export function passObject(
  object: JsonObject,
  name: string,
  special: Special = nothingSpecial,
): Record<string, PlistValue> {
  const dict: Record<string, PlistValue> = Object.create(null)
  for (const [key, item] of Object.entries(object)) {
    const passed = passThrough(item, `${name}.${key}`, special)
    if (passed !== undefined) dict[key] = passed
  }
  return dict
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
