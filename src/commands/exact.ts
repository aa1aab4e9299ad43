/** What of a request in MicroMDM's JSON says nothing, and where in it a fault of the command is. */
import { faultsOf, type CommandFault } from '../apple/check.ts'
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
    ...unknownNames(fields, request, open, requestType),
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

function unknownNames(
  fields: readonly Field[],
  json: JsonObject,
  keys: readonly string[],
  name: string,
  path = '',
): RequestFault[] {
  const byName = new Map(fields.map((field) => [field.json.toLowerCase(), field]))
  return keys.flatMap((key) => {
    const field = byName.get(key.toLowerCase())
    if (field) {
      return unknownInside(field, fieldAt(json, field.json), `${path}${key}`)
    }
    const names = fields.map((one) => one.json)
    const detail = `${name} has no such field${didYouMean(key, names)}`
    return [{ at: path + key, detail, isUnread: true }]
  })
}

function unknownInside(field: Field, value: JsonValue | undefined, path: string): RequestFault[] {
  if (field.shape) {
    return itemsOf(value).flatMap(([item, at]) => unknownOfSetting(field, item, `${path}.${at}.`))
  }
  switch (field.type) {
    case 'struct':
      return isJsonObject(value)
        ? unknownNames(field.fields, value, Object.keys(value), field.json, `${path}.`)
        : []
    case 'structs':
      return itemsOf(value).flatMap(([item, at]) =>
        unknownNames(field.fields, item, Object.keys(item), field.json, `${path}.${at}.`),
      )
    default:
      return []
  }
}

/** A setting takes Apple's own keys too, which the schema knows; of the shared fields, those of its kind. */
function unknownOfSetting(field: Field, setting: JsonObject, path: string): RequestFault[] {
  const own = Object.keys(setting).filter((key) => !/^[A-Z]/.test(key) || isSharedField(key))
  const item = fieldAt(setting, 'item')
  const kind = typeof item === 'string' ? item : ''
  const kinds = commandSchema('Settings')?.keys?.['Settings']?.item?.kinds ?? {}
  const schema = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  const foreign = own.flatMap((key) => {
    const shared = field.fields.find(({ json }) => json === key.toLowerCase())
    return schema && shared && !(shared.plist in schema.keys)
      ? [{ at: path + key, detail: `${kind} has no such field`, isUnread: true as const }]
      : []
  })
  return [...unknownNames(field.fields, setting, own, 'a setting', path), ...foreign]
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
