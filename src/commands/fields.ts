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
 * How a request is read. `micromdm`: empty strings, data and lists are left out, and some fields are sent
 * even when the client leaves them out (`always`). `exact`: exactly the client's fields are sent.
 */
export type RequestReading = 'micromdm' | 'exact'

/** One field of a request, or of an object inside one. */
export interface Field {
  readonly json: string
  readonly plist: string
  readonly type: FieldType
  /** MicroMDM sends it even when absent, with its type's zero value. */
  readonly always: boolean
  /** The value in the 201 when the field is absent; undefined shows nothing. */
  readonly echo: JsonValue | undefined
  /** For `struct` and `structs`. */
  readonly fields: readonly Field[]
  /** Turns the dictionary made of `fields` into the one to send, given the JSON that it was made of. */
  readonly shape:
    | ((dict: PlistDict, json: JsonObject, reading: RequestReading) => Record<string, PlistValue>)
    | undefined
  /** A PIN, password, token or private key, or an object that contains one. */
  readonly secret: boolean
  /** Unknown to MicroMDM, which takes any value: in its reading, a value that cannot be sent is left out. */
  readonly added: boolean
}

type Extra = Partial<Pick<Field, 'always' | 'echo' | 'fields' | 'shape' | 'secret' | 'added'>>

/** A field of a row: JSON name, plist key, type, and its special rules. */
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

/** One request type of `POST /v1/commands`. */
export interface CommandType {
  readonly requestType: string
  readonly fields: readonly Field[]
  /** Payload or result holds a PIN, password, unlock token, bypass code, private key or password hash. */
  readonly secret: boolean
  /** Loses data, locks a user out or changes a password. An admin has to confirm it. */
  readonly destructive: boolean
  /**
   * Its secret, or that of its answer, opens the device. An admin may need it after the device has answered.
   */
  readonly lasting: boolean
}

/** `secret` marks types whose answer is secret. A type with a secret field needs no mark. */
type Mark = 'secret' | 'destructive' | 'lasting'

/** Apple allows it in every command, MicroMDM in few. */
export const NETWORK_TETHER = field(
  'request_requires_network_tether',
  'RequestRequiresNetworkTether',
  'bool',
)

/** A row of the command table: its request type, its fields, and what is special about it. */
export function command(
  requestType: string,
  fields: readonly Field[] = [],
  ...marks: Mark[]
): CommandType {
  return {
    requestType,
    fields: fields.includes(NETWORK_TETHER)
      ? fields
      : [...fields, { ...NETWORK_TETHER, added: true }],
    secret: marks.includes('secret') || fields.some(({ secret }) => secret),
    destructive: marks.includes('destructive'),
    lasting: marks.includes('lasting'),
  }
}
