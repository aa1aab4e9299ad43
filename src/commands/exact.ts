/** What of a request in MicroMDM's JSON says nothing, and where in it a fault of the command is. */
import { faultsOf, MAX_FAULTS, shortened, type CommandFault } from '../apple/check.ts'
import { didYouMean } from '../apple/nearest.ts'
import { commandSchema } from '../apple/schema.ts'
import type { PlistDict } from '../plist/value.ts'
import type { Field } from './fields.ts'
import { fieldAt, isJsonObject } from './go-fields.ts'
import type { JsonObject, JsonValue } from './go-json.ts'
import { isSharedField } from './settings.ts'
import type { CommandType } from './table.ts'

/** A place in a request, as its client wrote it, and what is wrong there. */
export interface RequestFault {
  readonly at: string
  readonly detail: string
  /** No field has this name, so that nothing of it is sent, whatever Apple may know. */
  readonly isUnread?: true
}

/** Beside the fields of the type. */
const ENVELOPE: ReadonlySet<string> = new Set(['udid', 'request_type', 'command_uuid'])

/**
 * The faults of a command that was made of MicroMDM's JSON: names that no field has, and what Apple's schema has against
 * the command, each where the client wrote it.
 */
export function faultsOfRequest(
  { requestType, fields }: CommandType,
  request: JsonObject,
  command: PlistDict,
): readonly RequestFault[] {
  const open = Object.keys(request).filter((key) => !ENVELOPE.has(key.toLowerCase()))
  return [
    ...unknownNames(fields, request, open, requestType).take(MAX_FAULTS),
    ...faultsOf(requestType, command).map(({ path, detail }) => ({
      at: placeOf(fields, path),
      detail,
    })),
  ]
}

/** A place in a command under Apple's own keys. */
export function placeInCommand({ path, detail }: CommandFault): RequestFault {
  return { at: ['Command', ...path].join('.'), detail }
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

function unread(at: string, detail: string): RequestFault {
  return { at, detail, isUnread: true }
}

function* unknownInside(field: Field, value: JsonValue | undefined, path: string): Faults {
  if (field.type === 'struct' && isJsonObject(value)) {
    yield* unknownNames(field.fields, value, Object.keys(value), field.json, `${path}.`)
  }
  if (field.type === 'structs') {
    for (const [item, at] of itemsOf(value)) {
      yield* field.shape
        ? unknownOfSetting(field, item, `${path}.${at}.`)
        : unknownNames(field.fields, item, Object.keys(item), field.json, `${path}.${at}.`)
    }
  }
}

/** A setting takes Apple's own keys too, which the schema knows; of the shared fields, those of its kind. */
function* unknownOfSetting(field: Field, setting: JsonObject, path: string): Faults {
  const own = Object.keys(setting).filter((key) => !/^[A-Z]/.test(key) || isSharedField(key))
  yield* unknownNames(field.fields, setting, own, 'a setting', path)
  const item = fieldAt(setting, 'item')
  const kind = typeof item === 'string' ? item : ''
  const kinds = commandSchema('Settings')?.keys?.['Settings']?.item?.kinds ?? {}
  const schema = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  for (const key of schema ? own : []) {
    const shared = field.fields.find(({ json }) => json === key.toLowerCase())
    if (shared && schema && !(shared.plist in schema.keys)) {
      yield unread(path + key, `${kind} has no such field`)
    }
  }
}

function itemsOf(value: JsonValue | undefined): (readonly [JsonObject, number])[] {
  return Array.isArray(value)
    ? value.flatMap((item: JsonValue, at) => (isJsonObject(item) ? [[item, at] as const] : []))
    : []
}

/** The names that stand for Apple's keys in MicroMDM's JSON; keys that have none stay. */
function placeOf(fields: readonly Field[], path: CommandFault['path']): string {
  let inside = fields
  const names = path.map((step) => {
    const field = inside.find(({ plist }) => plist === step)
    inside = field?.fields ?? (typeof step === 'number' ? inside : [])
    return field?.json ?? step
  })
  return names.join('.')
}
