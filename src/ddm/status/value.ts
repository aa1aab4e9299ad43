/** Values of status reports: bounded copies of what a device sends, and marks where something is left out. */
import { Buffer } from 'node:buffer'

export type StatusValue = null | boolean | number | string | readonly StatusValue[] | StatusDict

export interface StatusDict {
  readonly [key: string]: StatusValue
}

/** Stands where a value is left out. `bytes` is the length of its JSON. */
export interface Omitted {
  readonly $omitted: 'too long' | 'too deep' | 'no room'
  readonly bytes?: number
}

/** A dictionary of a report that nothing has checked. */
export type RawDict = Readonly<Record<string, unknown>>

/** Dictionaries and arrays inside one another, the outermost included. */
const MAX_LEVELS = 32

export function isRawDict(value: unknown): value is RawDict {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: StatusValue | undefined): value is readonly StatusValue[] {
  return Array.isArray(value)
}

export function isOmitted(value: StatusValue | undefined): boolean {
  return isRawDict(value) && '$omitted' in value
}

/** The value at a key, however the key is spelled: Apple has `code` in items and `Code` in `Errors`. */
export function fieldOf(dict: RawDict, name: string): unknown {
  const key = Object.keys(dict).find((one) => one.toLowerCase() === name)
  return key === undefined ? undefined : dict[key]
}

/** Of a control character JSON makes six: a text would be longer than its bound. */
const CONTROL = /[^\P{Cc}\t\n\r]/gu

/** Empty for values that are no text. Columns of D1 and SQLite take it as it is. */
export function cutText(value: unknown, most: number): string {
  return typeof value === 'string'
    ? value.slice(0, most).toWellFormed().replace(CONTROL, '\ufffd')
    : ''
}

/** A copy that is at most {@link MAX_LEVELS} deep. `__proto__` is a key like others. */
export function withinLevels(value: unknown, level = 0): StatusValue {
  if (!isContainer(value)) {
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? value
      : null
  }
  if (level === MAX_LEVELS) {
    return { $omitted: 'too deep' }
  }
  return Array.isArray(value)
    ? value.map((element) => withinLevels(element, level + 1))
    : Object.fromEntries(
        Object.entries(value).map(([key, member]) => [key, withinLevels(member, level + 1)]),
      )
}

/** Whether two values are equal JSON: devices write the keys of a dictionary in any order. */
export function isSameJson(one: unknown, other: unknown): boolean {
  if (!isContainer(one) || !isContainer(other)) {
    return one === other
  }
  const members = new Map(Object.entries(other))
  const entries = Object.entries(one)
  return (
    Array.isArray(one) === Array.isArray(other) &&
    entries.length === members.size &&
    entries.every(([key, value]) => members.has(key) && isSameJson(value, members.get(key)))
  )
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** The length of its JSON in UTF-8. The value has to be {@link withinLevels}: deep ones end the stack. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

/** The value, or its mark when its JSON has more than `most` bytes. */
export function upTo(most: number, value: StatusValue): StatusValue {
  const bytes = bytesOf(value)
  return bytes > most ? { $omitted: 'too long', bytes } : value
}
