import { isDict } from '../plist/dict.ts'
import type { PlistDict, PlistValue } from '../plist/value.ts'
import type { Platform } from './platforms.ts'
import table from './request-types.json' with { type: 'json' }

/**
 * Where a command arrived: `device` channel, macOS `user` channel, and both channels of a Shared iPad,
 * which Apple documents apart.
 */
export type Scope = 'device' | 'user' | 'sharedDevice' | 'sharedUser'

export interface Where {
  readonly platform: Platform
  readonly scope: Scope
  readonly userEnrollment: boolean
}

interface KeySchema {
  readonly type: string
  readonly on?: string
  readonly value?: string | number | boolean
  readonly item?: KeySchema
  readonly keys?: Keys
}

type Keys = Readonly<Record<string, KeySchema>>

interface RequestType {
  readonly on: string
  readonly response?: Keys
}

const REQUEST_TYPES: Readonly<Record<string, RequestType>> = table.requestTypes

const SCOPE_LETTERS: Readonly<Record<Scope, string>> = {
  device: 'd',
  user: 'u',
  sharedDevice: 's',
  sharedUser: 'm',
}

/** Every request type that Apple documents, in Apple's order. */
export const requestTypeNames: readonly string[] = Object.keys(REQUEST_TYPES)

/** Whether a device understands a request type, and understands it there. */
export function supports(requestType: string, where: Where): 'yes' | 'not here' | 'unknown' {
  const known = find(requestType)
  if (known === undefined) {
    return 'unknown'
  }
  return available(known.on, where) ? 'yes' : 'not here'
}

/**
 * The documented response keys of a request type that exist there, each with the value that `values`
 * has for its name, or a plausible one of its type.
 */
export function documentedResponse(
  requestType: string,
  where: Where,
  values: PlistDict,
  now: Date,
): PlistDict {
  return fillKeys(find(requestType)?.response ?? {}, { where, values, now })
}

/** Drops from `value` whatever Apple does not document for that response key on that platform. */
export function asDocumented(
  requestType: string,
  key: string,
  where: Where,
  value: PlistValue,
): PlistValue {
  const schema = find(requestType)?.response?.[key]
  return schema === undefined ? value : pick(schema, value, where)
}

function find(requestType: string): RequestType | undefined {
  return Object.hasOwn(REQUEST_TYPES, requestType) ? REQUEST_TYPES[requestType] : undefined
}

function available(on: string | undefined, where: Where): boolean {
  if (on === undefined) {
    return true
  }
  // Apple's data knows iPadOS as iOS.
  const platform = where.platform === 'iPadOS' ? 'iOS' : where.platform
  const entry = on.split(' ').find((part) => part.startsWith(`${platform}:`))
  const letters = entry?.slice(platform.length + 1) ?? ''
  return (
    letters.includes(SCOPE_LETTERS[where.scope]) && (!where.userEnrollment || letters.includes('e'))
  )
}

interface Filling {
  readonly where: Where
  readonly values: PlistDict
  readonly now: Date
}

function fillKeys(keys: Keys, filling: Filling): PlistDict {
  const entries = Object.entries(keys).filter(([, schema]) => available(schema.on, filling.where))
  return Object.fromEntries(entries.map(([key, schema]) => [key, fill(key, schema, filling)]))
}

function fill(key: string, schema: KeySchema, filling: Filling): PlistValue {
  const known = schema.value ?? filling.values[key]
  if (known !== undefined) {
    return known
  }
  switch (schema.type) {
    case 'dict':
      return fillKeys(schema.keys ?? {}, filling)
    case 'array':
      return schema.item === undefined ? [] : [fill(key, schema.item, filling)]
    case 'date':
      return filling.now
    case 'boolean':
      return false
    case 'integer':
      return 1
    case 'real':
      // A whole number would be written as <integer>.
      return 0.5
    case 'data':
      return Uint8Array.of(0x30, 0x00)
    default:
      return 'Example'
  }
}

function pick(schema: KeySchema, value: PlistValue, where: Where): PlistValue {
  if (Array.isArray(value)) {
    const { item } = schema
    return item === undefined ? value : value.map((each: PlistValue) => pick(item, each, where))
  }
  if (schema.keys === undefined || !isDict(value)) {
    return value
  }
  const picked: Record<string, PlistValue> = {}
  for (const [key, child] of Object.entries(schema.keys)) {
    const given = value[key]
    if (given !== undefined && available(child.on, where)) {
      picked[key] = pick(child, given, where)
    }
  }
  return picked
}
