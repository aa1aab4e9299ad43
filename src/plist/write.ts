import type { PlistValue as PlistPackageValue } from 'plist'
import { build } from 'plist'
import { encodeBase64 } from './base64.ts'
import { isArray } from './dict.ts'
import { PlistError } from './error.ts'
import { MAX_DEPTH } from './limits.ts'
import { integerOf } from './scalar.ts'
import { isIllegal } from './text.ts'
import type { PlistDict, PlistValue } from './value.ts'

type BuildValue =
  | Exclude<PlistValue, PlistDict | readonly PlistValue[]>
  | BuildValue[]
  | { [key: string]: BuildValue }

const UTF8 = new TextEncoder()
/** `plist` for Node writes `<string/>`, the one for Workers `<string></string>`. */
const EMPTY_ELEMENT = /<(string|key|data|dict|array)(?:\/>|><\/\1>)/g
/**
 * `build` encodes base64 one character at a time. It gets this instead, and the real bytes are put in
 * afterwards.
 */
const NO_BYTES = new Uint8Array()
/**
 * A prefix of every key while `build` has it. Otherwise JavaScript moves number-like keys to the front of
 * the object, and `__proto__` is no ordinary key.
 */
const KEY_MARK = '.'

/**
 * Writes an XML property list as MicroMDM does: declaration and Apple's DOCTYPE on lines of their own, the
 * rest without indentation, keys in byte order, empty elements as two tags, one newline at the end. Node
 * and Workers produce the same bytes, although `plist` has a build for each.
 *
 * @throws PlistError for values that XML plists cannot hold: control characters, lone surrogates, integers
 * that a double does not hold exactly or beyond −2^63 … 2^64−1, NaN and infinities, dates outside of years
 * 0–9999, more than 128 levels
 */
export function writePlistText(value: PlistValue): string {
  const datas: Uint8Array[] = []
  const prepared = prepare(value, 1, datas)
  let next = 0
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- build writes bigint; its type omits it
  return build(prepared as PlistPackageValue, { pretty: false })
    .replace('?><!DOCTYPE', '?>\n<!DOCTYPE')
    .replace('><plist', '>\n<plist')
    .replaceAll(`<key>${KEY_MARK}`, '<key>')
    .replaceAll('\r', '&#xD;')
    .replace(EMPTY_ELEMENT, (_, name: string) => {
      const content = name === 'data' ? encodeBase64(datas[next++] ?? NO_BYTES) : ''
      return `<${name}>${content}</${name}>`
    })
    .concat('\n')
}

/** {@link writePlistText} as UTF-8. @throws PlistError */
export function writePlist(value: PlistValue): Uint8Array {
  return UTF8.encode(writePlistText(value))
}

function prepare(value: PlistValue, depth: number, datas: Uint8Array[]): BuildValue {
  switch (typeof value) {
    case 'boolean':
      return value
    case 'string':
      return legalText(value)
    case 'number':
      return legalNumber(value)
    case 'bigint':
      if (integerOf(value) === undefined) throw new PlistError('plist: integer out of range')
      return value
    case 'object':
      return prepareObject(value, depth, datas)
    default:
      throw new PlistError(`plist: cannot write ${typeof value}`)
  }
}

function prepareObject(value: PlistValue & object, depth: number, datas: Uint8Array[]): BuildValue {
  if (value instanceof Uint8Array) {
    datas.push(value)
    return NO_BYTES
  }
  if (value instanceof Date) return legalDate(value)
  if (depth > MAX_DEPTH) throw new PlistError(`plist: more than ${MAX_DEPTH} levels`)
  if (isArray(value)) return value.map((item) => prepare(item, depth + 1, datas))
  const sorted: Record<string, BuildValue> = {}
  for (const key of Object.keys(value).sort(byBytes)) {
    const item = value[key]
    if (item !== undefined) sorted[KEY_MARK + legalText(key)] = prepare(item, depth + 1, datas)
  }
  return sorted
}

function legalText(text: string): string {
  if (isIllegal(text) || !text.isWellFormed()) {
    throw new PlistError('plist: text holds a character that XML does not allow')
  }
  return text
}

function legalNumber(value: number): number {
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    throw new PlistError(`plist: cannot write the number ${value}`)
  }
  return value
}

function legalDate(date: Date): Date {
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) throw new PlistError('plist: date out of range')
  return date
}

/** Order of the UTF-8 bytes, that is of code points. UTF-16 order puts U+E000–U+FFFF after the rest. */
function byBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return aboveSurrogates(left) - aboveSurrogates(right)
  }
  return a.length - b.length
}

function aboveSurrogates(code: number): number {
  return code >= 0xd800 && code <= 0xdfff ? code + 0x10000 : code
}
