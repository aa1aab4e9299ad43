import { encodeBase64 } from './base64.ts'
import { isArray } from './dict.ts'
import type { PlistValue } from './value.ts'

/** A property list value in JSON. */
export type PlistJson =
  | string
  | number
  | boolean
  | PlistJson[]
  | { readonly [key: string]: PlistJson }

/**
 * A property list value as JSON: dates as ISO 8601, data as base64, and integers that a JSON number would
 * round as strings of digits.
 */
export function plistJson(value: PlistValue): PlistJson {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object') return value
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return encodeBase64(value)
  if (isArray(value)) return value.map(plistJson)
  const object: Record<string, PlistJson> = Object.create(null)
  for (const [key, item] of Object.entries(value)) object[key] = plistJson(item)
  return object
}
