import { PlistError } from './error.ts'
import type { PlistDict, PlistValue } from './value.ts'

/** Whether the value is a dictionary. */
export function isDict(value: PlistValue | undefined): value is PlistDict {
  return (
    typeof value === 'object' &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array) &&
    !(value instanceof Date)
  )
}

/** The value as a dictionary: each message is one. @throws PlistError */
export function asDict(value: PlistValue): PlistDict {
  if (!isDict(value)) throw new PlistError('plist: the root is not a dictionary')
  return value
}

/**
 * The string at `key`, undefined when the key is absent. A value of another type is an error, as in
 * MicroMDM: such a message is malformed, not empty. The same holds for the readers below.
 *
 * @throws PlistError naming the key
 */
export function stringAt(dict: PlistDict, key: string): string | undefined {
  const value = dict[key]
  if (value === undefined || typeof value === 'string') return value
  return mistyped(key, 'a string')
}

/** The string at `key`, empty when absent or of another type: for values that a message may lack. */
export function textAt(dict: PlistDict, key: string): string {
  const value = dict[key]
  return typeof value === 'string' ? value : ''
}

/** The dictionaries in a device's list; none when the value is not a list. */
export function dictsIn(value: PlistValue | undefined): PlistDict[] {
  return value !== undefined && isArray(value) ? value.filter(isDict) : []
}

/** The `<data>` at `key`, undefined when absent. @throws PlistError naming the key */
export function bytesAt(dict: PlistDict, key: string): Uint8Array | undefined {
  const value = dict[key]
  if (value === undefined || value instanceof Uint8Array) return value
  return mistyped(key, 'data')
}

/** The dictionary at `key`, undefined when absent. @throws PlistError naming the key */
export function dictAt(dict: PlistDict, key: string): PlistDict | undefined {
  const value = dict[key]
  if (value === undefined || isDict(value)) return value
  return mistyped(key, 'a dictionary')
}

/** The array at `key`, undefined when absent. @throws PlistError naming the key */
export function arrayAt(dict: PlistDict, key: string): readonly PlistValue[] | undefined {
  const value = dict[key]
  if (value === undefined || isArray(value)) return value
  return mistyped(key, 'an array')
}

/** {@link stringAt} for a key that must be there. @throws PlistError naming the key */
export function requiredString(dict: PlistDict, key: string): string {
  return stringAt(dict, key) ?? missing(key)
}

/** {@link dictAt} for a key that must be there. @throws PlistError naming the key */
export function requiredDict(dict: PlistDict, key: string): PlistDict {
  return dictAt(dict, key) ?? missing(key)
}

/** Whether the value is an array. `Array.isArray` does not narrow readonly arrays. */
export function isArray(value: PlistValue): value is readonly PlistValue[] {
  return Array.isArray(value)
}

function mistyped(key: string, wanted: string): never {
  throw new PlistError(`plist: ${key} is not ${wanted}`)
}

function missing(key: string): never {
  throw new PlistError(`plist: ${key} is missing`)
}
