/** Apple's schema of commands and answers, for the platform, version and channel of a simulated device. */
import type { Platform } from '../../../apple/platform.ts'
import {
  availability,
  commandSchema,
  type Keys,
  type KeySchema,
  lookUp,
  QUERIES,
  SETTINGS,
} from '../../../apple/schema.ts'
import { isBefore } from '../../../apple/version.ts'
import { isArray, isDict } from '../../../plist/dict.ts'
import type { PlistDict, PlistValue } from '../../../plist/value.ts'
import table from './responses.json' with { type: 'json' }

/**
 * The channel of a command: `device` channel, macOS `user` channel, and both channels of a Shared iPad,
 * which Apple documents apart.
 */
export type EnrolledScope = 'device' | 'user' | 'sharedDevice' | 'sharedUser'

export interface Where {
  readonly platform: Platform
  readonly osVersion: string
  readonly scope: EnrolledScope
  readonly userEnrollment: boolean
}

/** `not here`: not on that platform, channel or kind of enrolment. */
export type Support = 'yes' | 'not here' | 'too old' | 'removed'

const SCOPE_LETTERS: Readonly<Record<EnrolledScope, string>> = {
  device: 'd',
  user: 'u',
  sharedDevice: 's',
  sharedUser: 'm',
}

const RESPONSES: ReadonlyMap<string, Keys> = new Map(
  Object.entries({
    ...table.responses,
    DeviceInformation: whereAsked(table.responses.DeviceInformation),
  }),
)

/** Whether a device knows a request type, and accepts it there. */
export function supports(requestType: string, where: Where): Support | 'unknown' {
  const known = commandSchema(requestType)
  return known === undefined ? 'unknown' : support(known.on, where)
}

/** Whether an item of the Settings command exists there. */
export function supportsSetting(item: string, where: Where): boolean {
  const kind = lookUp(SETTINGS, item)
  return kind !== undefined && exists(kind.on, where)
}

/** The values that a device fills its answers with. */
export interface Filling {
  readonly where: Where
  /** By the name of the key. A plausible value of its type replaces a missing one. */
  readonly values: PlistDict
  /** Keys of parts that the device does not have. */
  readonly absent: ReadonlySet<string>
  readonly now: Date
}

/** The documented response keys of a request type that exist there, with values. */
export function documentedResponse(requestType: string, filling: Filling): PlistDict {
  return fillKeys(RESPONSES.get(requestType) ?? {}, filling)
}

/** Drops the keys of `value` that Apple does not document for that response key there. */
export function asDocumented(
  requestType: string,
  key: string,
  where: Where,
  value: PlistValue,
): PlistValue {
  const schema = RESPONSES.get(requestType)?.[key]
  return schema === undefined ? value : pick(schema, value, where)
}

/** A key of DeviceInformation exists where its query does. */
function whereAsked({ QueryResponses }: { readonly QueryResponses: KeySchema }): Keys {
  const keys = Object.entries(QueryResponses.keys ?? {}).map(
    ([name, schema]) => [name, { ...schema, on: QUERIES[name]?.on ?? '' }] as const,
  )
  return { QueryResponses: { ...QueryResponses, keys: Object.fromEntries(keys) } }
}

function support(on: string, where: Where): Support {
  const found = availability(on, where.platform)
  if (
    found === undefined ||
    !found.channels.includes(SCOPE_LETTERS[where.scope]) ||
    (where.userEnrollment && !found.channels.includes('e'))
  ) {
    return 'not here'
  }
  if (isBefore(where.osVersion, found.since)) {
    return 'too old'
  }
  return found.until === undefined || isBefore(where.osVersion, found.until) ? 'yes' : 'removed'
}

function exists(on: string | undefined, where: Where): boolean {
  return on === undefined || support(on, where) === 'yes'
}

function fillKeys(keys: Keys, filling: Filling): PlistDict {
  const entries = Object.entries(keys).filter(
    ([key, schema]) => exists(schema.on, filling.where) && !filling.absent.has(key),
  )
  return Object.fromEntries(entries.map(([key, schema]) => [key, fill(key, schema, filling)]))
}

function fill(key: string, schema: KeySchema, filling: Filling): PlistValue {
  const known = filling.values[key] ?? schema.enum?.[0]
  if (known !== undefined) {
    return known
  }
  switch (schema.type) {
    case 'dictionary':
      return schema.any === true ? fillNamed(schema, filling) : fillKeys(schema.keys ?? {}, filling)
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

function fillNamed({ item }: KeySchema, filling: Filling): PlistDict {
  return item === undefined ? {} : { 'com.example.app': fill('com.example.app', item, filling) }
}

function pick(schema: KeySchema, value: PlistValue, where: Where): PlistValue {
  if (isArray(value)) {
    const { item } = schema
    return item === undefined ? value : value.map((each) => pick(item, each, where))
  }
  if (schema.keys === undefined || !isDict(value)) {
    return value
  }
  const picked: Record<string, PlistValue> = {}
  for (const [key, child] of Object.entries(schema.keys)) {
    const given = value[key]
    if (given !== undefined && exists(child.on, where)) {
      picked[key] = pick(child, given, where)
    }
  }
  return picked
}
