import { encodeBase64 } from '../plist/base64.ts'
import type { JsonValue } from './go-json.ts'

/**
 * The values that can be written: JSON, bytes (base64), a Map sorted by key as in Go, and properties that
 * are absent when `undefined`.
 */
export type WritableJson =
  | JsonValue
  | Uint8Array
  | ReadonlyMap<string, WritableJson>
  | readonly WritableJson[]
  | { readonly [key: string]: WritableJson | undefined }

/** Go's encoder escapes these, so that JSON may stand inside HTML and JavaScript. */
const HTML = /[<>&\u2028\u2029]/g

/**
 * Writes a value as MicroMDM's encoder does: two spaces of indentation, Go's HTML escaping, bytes as base64,
 * and a newline at the end unless `newline` is false. Keys keep their order, like the fields of a Go struct.
 */
export function writeGoJson(value: WritableJson, newline = true): string {
  return write(value, '\n') + (newline ? '\n' : '')
}

function write(value: WritableJson, indent: string): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return JSON.stringify(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'string') return quote(value)
  if (value instanceof Uint8Array) return `"${encodeBase64(value)}"`
  const inner = `${indent}  `
  if (isArray(value)) {
    const items = value.map((item) => inner + write(item, inner))
    return items.length === 0 ? '[]' : `[${items.join(',')}${indent}]`
  }
  const fields: string[] = []
  for (const [key, item] of entriesOf(value)) {
    if (item !== undefined) fields.push(`${inner}${quote(key)}: ${write(item, inner)}`)
  }
  return fields.length === 0 ? '{}' : `{${fields.join(',')}${indent}}`
}

function entriesOf(
  value: ReadonlyMap<string, WritableJson> | { readonly [key: string]: WritableJson | undefined },
): readonly (readonly [string, WritableJson | undefined])[] {
  return value instanceof Map
    ? [...value].toSorted(([one], [other]) => (one < other ? -1 : 1))
    : Object.entries(value)
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: WritableJson): value is readonly WritableJson[] {
  return Array.isArray(value)
}

function quote(text: string): string {
  return JSON.stringify(text).replace(
    HTML,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
