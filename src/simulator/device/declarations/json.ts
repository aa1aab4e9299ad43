/** JSON of declarations, read without trust in its types. */

export type JsonData = null | boolean | number | string | JsonData[] | JsonRecord

export interface JsonRecord {
  readonly [key: string]: JsonData
}

/** @throws Error for bytes that are no JSON object */
export function readRecord(bytes: Uint8Array): JsonRecord {
  const value: JsonData = JSON.parse(new TextDecoder().decode(bytes))
  if (!isRecord(value)) {
    throw new Error('the answer is no JSON object')
  }
  return value
}

export function isRecord(value: JsonData | undefined): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object at `key`; empty when there is none. */
export function recordAt(record: JsonRecord, key: string): JsonRecord {
  const value = record[key]
  return isRecord(value) ? value : {}
}

export function recordsAt(record: JsonRecord, key: string): JsonRecord[] {
  const value = record[key]
  return Array.isArray(value) ? value.filter(isRecord) : []
}

/** The string at `key`; empty when there is none. */
export function stringIn(record: JsonRecord, key: string): string {
  const value = record[key]
  return typeof value === 'string' ? value : ''
}
