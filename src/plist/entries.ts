import { bytesAt, stringAt } from './dict.ts'
import { PlistError } from './error.ts'
import { mustBeUnique } from './limits.ts'
import type { PlistDict, PlistValue } from './value.ts'

/**
 * The value of a key; `undefined` when it has another type or cannot be read. A string may hold `NO_TEXT`.
 */
export type Leaf = string | Uint8Array | boolean | undefined

/** Some of the entries at the top of a device's document. */
export interface Entries {
  /** In these strings, U+FFFD replaces each place that is not text. */
  readonly dict: PlistDict
  /** The fault of a key's value, if it has one. The dictionary may lack the key. */
  readonly faults: ReadonlyMap<string, string>
}

/**
 * The string at `key` as the device sent it; undefined when absent.
 *
 * @throws PlistError when it is of another type, or was repaired
 */
export function exactString(entries: Entries, key: string): string | undefined {
  checkReadable(entries, key)
  return stringAt(entries.dict, key)
}

/** {@link exactString} for data. @throws PlistError */
export function exactBytes(entries: Entries, key: string): Uint8Array | undefined {
  checkReadable(entries, key)
  return bytesAt(entries.dict, key)
}

function checkReadable({ faults }: Entries, key: string): void {
  const fault = faults.get(key)
  if (fault !== undefined) throw new PlistError(`plist: ${key} ${fault}`)
}

/**
 * Entries while they are read. `add` throws a PlistError for a second entry that would make a message
 * ambiguous.
 */
export function newEntries(): Entries & { readonly add: (key: string, leaf: Leaf) => void } {
  const dict: Record<string, PlistValue> = Object.create(null)
  const faults = new Map<string, string>()
  return {
    dict,
    faults,
    add(key, leaf) {
      if (mustBeUnique(key) && (key in dict || faults.has(key))) {
        throw new PlistError(`plist: duplicate key ${key}`)
      }
      faults.delete(key)
      if (leaf === undefined) {
        delete dict[key]
        faults.set(key, 'cannot be read as a string, data or a boolean')
        return
      }
      dict[key] = typeof leaf === 'string' ? leaf.toWellFormed() : leaf
      if (typeof leaf === 'string' && !leaf.isWellFormed()) {
        faults.set(key, 'holds bytes or characters that are no text')
      }
    },
  }
}
