import { encodeBase64 } from '../plist/base64.ts'
import { isDict } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import type { PlistDict, PlistValue } from '../plist/value.ts'
import type { Field, FieldType, RequestReading } from './fields.ts'
import {
  boolField,
  bytesField,
  bytesListField,
  fieldAt,
  GoFieldError,
  integerField,
  objectField,
  objectsField,
  stringField,
  stringsField,
} from './go-fields.ts'
import type { JsonObject, JsonValue } from './go-json.ts'
import { passObject } from './pass-through.ts'

/** One field, as the device and the client get it; undefined where the field is left out. */
interface Decoded {
  readonly plist: PlistValue | undefined
  readonly echo: JsonValue | undefined
}

const ABSENT: Decoded = { plist: undefined, echo: undefined }

/** The object to read: its name in error texts, and how to read it. */
interface At {
  readonly struct: string
  readonly reading: RequestReading
}

/**
 * Reads the fields of a request, or of an object inside one, into the dictionary for the device and the echo
 * for the 201. A false or zero from the client goes to the device in either reading; MicroMDM loses it.
 *
 * @throws GoFieldError
 */
export function decodeFields(
  fields: readonly Field[],
  json: JsonObject,
  at: At,
): { readonly dict: Record<string, PlistValue>; readonly echo: Record<string, JsonValue> } {
  const dict: Record<string, PlistValue> = Object.create(null)
  const echo: Record<string, JsonValue> = {}
  for (const field of fields) {
    const decoded = read(field, json, at)
    const isSent = at.reading === 'exact' ? fieldAt(json, field.json) !== undefined : field.always
    const sent = decoded.plist ?? (isSent ? ZEROS[field.type] : undefined)
    const shown = decoded.echo ?? field.echo
    if (sent !== undefined) dict[field.plist] = sent
    if (shown !== undefined) echo[field.json] = shown
  }
  return { dict, echo }
}

function read(field: Field, json: JsonObject, at: At): Decoded {
  try {
    return READERS[field.type](field, json, at)
  } catch (error) {
    if (field.added && at.reading === 'micromdm' && error instanceof GoFieldError) return ABSENT
    throw error
  }
}

type Reader = (field: Field, json: JsonObject, at: At) => Decoded

const READERS: Readonly<Record<FieldType, Reader>> = {
  string: (field, json, { struct }) => plain(stringField(json, field.json, struct) || undefined),
  bool: (field, json, { struct }) => plain(boolField(json, field.json, struct)),
  integer: (field, json, { struct }) => plain(integerField(json, field.json, struct)),
  data: (field, json, { struct }) => data(bytesField(json, field.json, struct)),
  strings: (field, json, { struct }) => list(stringsField(json, field.json, struct)),
  datas: (field, json, { struct }) => datas(bytesListField(json, field.json, struct)),
  dict: (field, json, { struct }) => dictionary(field, objectField(json, field.json, struct)),
  plist: (field, json, { struct }) => embedded(field, bytesField(json, field.json, struct)),
  bools: (field, json, { struct }) => booleans(field, objectField(json, field.json, struct)),
  struct: (field, json, at) => one(field, objectField(json, field.json, at.struct), at),
  structs: (field, json, at) => several(field, objectsField(json, field.json, at.struct), at),
}

/** The value of a field that is sent without one. */
const ZEROS: Readonly<Record<FieldType, PlistValue>> = {
  string: '',
  bool: false,
  integer: 0,
  data: new Uint8Array(),
  strings: [],
  datas: [],
  dict: {},
  plist: {},
  bools: {},
  struct: {},
  structs: [],
}

function plain(value: string | number | bigint | boolean | undefined): Decoded {
  return { plist: value, echo: value }
}

function data(bytes: Uint8Array | undefined): Decoded {
  if (bytes === undefined || bytes.length === 0) return ABSENT
  return { plist: bytes, echo: encodeBase64(bytes) }
}

function list(items: readonly string[] = []): Decoded {
  return items.length === 0 ? ABSENT : { plist: items, echo: items }
}

function datas(items: readonly Uint8Array[] = []): Decoded {
  return items.length === 0 ? ABSENT : { plist: items, echo: items.map(encodeBase64) }
}

function dictionary(field: Field, object: JsonObject | undefined): Decoded {
  if (object === undefined) return ABSENT
  return { plist: passObject(object, field.json), echo: object }
}

/** MicroMDM answers 201 and then drops a command whose configuration cannot be decoded. */
function embedded(field: Field, bytes: Uint8Array | undefined): Decoded {
  if (bytes === undefined || bytes.length === 0) return ABSENT
  try {
    const dict = readPlist(bytes)
    if (!isDict(dict)) throw new PlistError('the root is not a dictionary')
    return { plist: dict, echo: encodeBase64(bytes) }
  } catch (error) {
    if (!(error instanceof PlistError)) throw error
    throw new GoFieldError(
      `parse ${field.json} as plist: ${error.message}`,
      `${field.json} has to be the base64 of a property list: ${error.message}`,
      field.json,
    )
  }
}

/** A value of another type makes MicroMDM panic. */
function booleans(field: Field, object: JsonObject | undefined): Decoded {
  for (const [key, value] of Object.entries(object ?? {})) {
    if (typeof value !== 'boolean') {
      const at = `${field.json}.${key}`
      throw new GoFieldError(`${at} is not a bool`, `${at} has to be true or false`, at)
    }
  }
  return dictionary(field, object)
}

function inside(field: Field, { struct, reading }: At): At {
  return { struct: `${struct}.${field.json}`, reading }
}

function one(field: Field, object: JsonObject | undefined, at: At): Decoded {
  if (object === undefined) return ABSENT
  const { dict, echo } = decodeFields(field.fields, object, inside(field, at))
  return { plist: Object.keys(dict).length === 0 ? undefined : dict, echo }
}

function several(field: Field, objects: readonly JsonObject[] = [], at: At): Decoded {
  const dicts: PlistDict[] = []
  const echoes: JsonValue[] = []
  for (const object of objects) {
    const { dict, echo } = decodeFields(field.fields, object, inside(field, at))
    const sent = field.shape?.(dict, object, at.reading) ?? dict
    if (Object.keys(sent).length > 0 || at.reading === 'exact') dicts.push(sent)
    echoes.push(echo)
  }
  return {
    plist: dicts.length === 0 ? undefined : dicts,
    echo: echoes.length === 0 ? undefined : echoes,
  }
}
