import type { JsonObject, JsonValue } from './go-json.ts'
import type { PlistDict, PlistValue } from '../plist/value.ts'

/** How a JSON value becomes a plist value. */
export type FieldType =
  | 'string'
  | 'bool'
  | 'integer'
  /** base64 in JSON, `<data>` in the plist */
  | 'data'
  | 'strings'
  | 'datas'
  /** any JSON object, its keys and contents passed through */
  | 'dict'
  /** base64 of a plist whose root is a dictionary */
  | 'plist'
  /** an object of booleans with Apple's names as keys */
  | 'bools'
  | 'struct'
  | 'structs'

/**
 * How a request is read. `micromdm`: empty strings, data and lists are left out, and some fields are sent even when the
 * client names none (`always`). `exact`: the client's fields are sent as they are, and no others.
 */
export type Reading = 'micromdm' | 'exact'

/** One field of a request, or of an object inside one. */
export interface Field {
  readonly json: string
  readonly plist: string
  readonly type: FieldType
  /** MicroMDM sends it even when absent, with its type's zero value. */
  readonly always: boolean
  /** What the 201 shows when the field is absent; undefined shows nothing. */
  readonly echo: JsonValue | undefined
  /** For `struct` and `structs`. */
  readonly fields: readonly Field[]
  /** Turns the dictionary made of `fields` into the one to send, given the JSON that it was made of. */
  readonly shape:
    | ((dict: PlistDict, json: JsonObject, reading: Reading) => Record<string, PlistValue>)
    | undefined
  /** A PIN, password, token or private key, or what holds one. */
  readonly secret: boolean
  /** MicroMDM does not know it and takes any value: in its reading, a value that cannot be sent is left out. */
  readonly added: boolean
}

type Extra = Partial<Pick<Field, 'always' | 'echo' | 'fields' | 'shape' | 'secret' | 'added'>>

/** A row of the command table: `[JSON name, plist key, type, what is unusual]`. */
export function field(json: string, plist: string, type: FieldType, extra: Extra = {}): Field {
  return {
    json,
    plist,
    type,
    always: false,
    echo: undefined,
    fields: [],
    shape: undefined,
    secret: false,
    added: false,
    ...extra,
  }
}
