/**
 * Finds the faults of a request in MicroMDM's JSON: names that match no field, and Apple's faults at the
 * client's own places.
 */
import { faultsOf, MAX_FAULTS, shortened, type CommandFault } from '../apple/check.ts'
import { didYouMean } from '../apple/nearest.ts'
import { lookUp, SETTINGS } from '../apple/schema.ts'
import type { PlistDict } from '../plist/value.ts'
import type { CommandType, Field } from './fields.ts'
import { fieldAt, isJsonArray, isJsonObject } from './go-fields.ts'
import type { JsonObject, JsonValue } from './go-json.ts'
import { isSharedField } from './settings.ts'

/** A place in a request, as its client wrote it, and its fault. */
export interface RequestFault {
  readonly at: string
  readonly detail: string
  /** No field has this name: its value cannot be sent, not even with `force`. */
  readonly isUnread?: true
}

/** Fields beside those of the type. */
const ENVELOPE: ReadonlySet<string> = new Set(['udid', 'request_type', 'command_uuid'])

/**
 * The faults of a command that was made of MicroMDM's JSON: names that match no field, and the faults that
 * Apple's schema finds, each at the place where the client wrote it.
 */
export function faultsOfRequest(
  { requestType, fields }: CommandType,
  request: JsonObject,
  command: PlistDict,
): readonly RequestFault[] {
  const open = Object.keys(request).filter((key) => !ENVELOPE.has(key.toLowerCase()))
  return [
    ...saidTwice(request, '').take(MAX_FAULTS),
    ...unknownNames(fields, request, open, requestType).take(MAX_FAULTS),
    ...faultsOf(requestType, command).map(({ path, detail, keys }) => ({
      at: placeOf(fields, path),
      detail: withKeys(
        detail,
        keys?.map((key) => placeOf(fields, [key])),
      ),
    })),
  ]
}

/** A place in a command under Apple's own keys. */
export function placeInCommand({ path, detail, keys }: CommandFault): RequestFault {
  return { at: ['Command', ...path].join('.'), detail: withKeys(detail, keys) }
}

function withKeys(detail: string, keys: readonly string[] = []): string {
  return keys.length === 0 ? detail : `${detail} ${keys.join(', ')}`
}

type Faults = Generator<RequestFault, void, undefined>

function* unknownNames(
  fields: readonly Field[],
  json: JsonObject,
  keys: readonly string[],
  name: string,
  path = '',
): Faults {
  const byName = new Map(fields.map((field) => [field.json.toLowerCase(), field]))
  for (const key of keys) {
    const field = byName.get(key.toLowerCase())
    if (field) {
      yield* unknownInside(field, fieldAt(json, field.json), path + key)
    } else {
      const meant = didYouMean(
        key,
        fields.map((one) => one.json),
      )
      yield unread(path + shortened(key), `${name} has no such field${meant}`)
    }
  }
}

/** Names match in any case. Of two that differ only in case, one is read. */
function* saidTwice(json: JsonObject, path: string): Faults {
  const first = new Map<string, string>()
  for (const key of Object.keys(json)) {
    const folded = key.toLowerCase()
    const other = first.get(folded)
    if (other === undefined) {
      first.set(folded, key)
    } else {
      yield unread(path + shortened(key), `says again what ${shortened(other)} says: leave one out`)
    }
  }
}

function unread(at: string, detail: string): RequestFault {
  return { at, detail, isUnread: true }
}

function* unknownInside(field: Field, value: JsonValue | undefined, path: string): Faults {
  if (field.type === 'struct' && isJsonObject(value)) {
    yield* unknownOfStruct(field, value, `${path}.`)
  }
  if (field.type === 'structs') {
    for (const [item, at] of itemsOf(value)) {
      yield* field.shape
        ? unknownOfSetting(field, item, `${path}.${at}.`)
        : unknownOfStruct(field, item, `${path}.${at}.`)
    }
  }
}

function* unknownOfStruct(field: Field, json: JsonObject, path: string): Faults {
  yield* saidTwice(json, path)
  yield* unknownNames(field.fields, json, Object.keys(json), field.json, path)
}

/** A setting takes the shared fields of its kind, and Apple's own keys, which the schema checks. */
function* unknownOfSetting(field: Field, setting: JsonObject, path: string): Faults {
  const own = Object.keys(setting).filter((key) => !/^[A-Z]/.test(key) || isSharedField(key))
  yield* saidTwice(setting, path)
  yield* unknownNames(field.fields, setting, own, 'a setting', path)
  const item = fieldAt(setting, 'item')
  const kind = typeof item === 'string' ? item : ''
  const keys = lookUp(SETTINGS, kind)?.keys
  if (keys === undefined) {
    return
  }
  for (const key of own) {
    const plist = field.fields.find(({ json }) => json === key.toLowerCase())?.plist
    if (plist === undefined) {
      continue
    }
    if (!Object.hasOwn(keys, plist)) {
      yield unread(path + key, `${kind} has no such field`)
    } else if (Object.hasOwn(setting, plist) && !isSharedField(plist)) {
      yield unread(path + key, `says again what ${plist} says: leave one out`)
    }
  }
}

function itemsOf(value: JsonValue | undefined): (readonly [JsonObject, number])[] {
  return value !== undefined && isJsonArray(value)
    ? value.flatMap((item, at) => (isJsonObject(item) ? [[item, at] as const] : []))
    : []
}

/** The names of MicroMDM's JSON for Apple's keys. Keys without such a name stay. */
function placeOf(fields: readonly Field[], path: CommandFault['path']): string {
  let inside = fields
  const names = path.map((step) => {
    const field = inside.find(({ plist }) => plist === step)
    inside = field?.fields ?? (typeof step === 'number' ? inside : [])
    return field?.json ?? (step === 'RequestType' ? 'request_type' : step)
  })
  return names.join('.')
}
