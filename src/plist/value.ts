/**
 * A property list value, as it is read and written. Integers outside of ±(2^53 − 1) are `bigint`, so that
 * no digit is lost; `<data>` is bytes; dictionaries have no prototype, because `__proto__` is a legal key.
 */
export type PlistValue =
  | string
  | number
  | bigint
  | boolean
  | Date
  | Uint8Array
  | readonly PlistValue[]
  | PlistDict

export interface PlistDict {
  readonly [key: string]: PlistValue
}
