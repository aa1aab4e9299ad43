import { isBinaryPlist, readBinaryPlist } from './binary.ts'
import { asDict } from './dict.ts'
import { PlistError } from './error.ts'
import { MAX_DEPTH, mustBeUnique } from './limits.ts'
import { parseData, parseDate, parseInteger, parseReal } from './scalar.ts'
import type { PlistDict, PlistValue } from './value.ts'
import type { XmlCursor } from './xml.ts'
import { atClosingTag, closeTag, fail, openDocument, openTag, readText, skipMisc } from './xml.ts'

const STRICT = { fatal: true, ignoreBOM: false }
const UTF8 = new TextDecoder('utf-8', STRICT)

/**
 * Reads a property list, XML (UTF-8, or UTF-16 with a byte order mark) or binary.
 *
 * The rules are apple-protocol §8's, stricter than CoreFoundation's: no entities but XML's five, no DTD
 * subset, at most 128 levels, no duplicate of an id key, nothing after the root, padded base64, existing dates,
 * integers from −2^63 to 2^64−1.
 *
 * @throws PlistError and nothing else, whatever the bytes
 */
export function readPlist(bytes: Uint8Array): PlistValue {
  if (isBinaryPlist(bytes)) return readBinaryPlist(bytes)
  return readRoot(openDocument(decode(bytes)), readValue)
}

/**
 * Reads only the entries of a top-level dictionary whose key is in `keys`; for reports of a megabyte of
 * which three strings are wanted. Other values are walked for nesting, depth and legal entities, but their numbers,
 * dates and base64 are not looked at.
 *
 * @throws PlistError as {@link readPlist} does for structure, and when the root is no dictionary
 */
export function readPlistTop(bytes: Uint8Array, keys: ReadonlySet<string>): PlistDict {
  if (isBinaryPlist(bytes)) {
    const whole = asDict(readBinaryPlist(bytes))
    const chosen = emptyDict()
    for (const key of Object.keys(whole)) {
      const value = whole[key]
      if (keys.has(key) && value !== undefined) chosen[key] = value
    }
    return chosen
  }
  return readRoot(openDocument(decode(bytes)), (cursor, name) => {
    if (name !== 'dict') fail(cursor, 'the root is not a dictionary')
    return readDict(cursor, 1, keys)
  })
}

function decode(bytes: Uint8Array): string {
  const mark = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
  try {
    if (mark === 0xfffe) return new TextDecoder('utf-16le', STRICT).decode(bytes)
    if (mark === 0xfeff) return new TextDecoder('utf-16be', STRICT).decode(bytes)
    return UTF8.decode(bytes)
  } catch {
    throw new PlistError('plist: text is not valid in its encoding')
  }
}

function readRoot<T>(
  cursor: XmlCursor,
  read: (cursor: XmlCursor, name: string, depth: number) => T,
): T {
  if (openTag(cursor) !== 'plist') fail(cursor, 'the root element is not <plist>')
  if (cursor.selfClosed) fail(cursor, '<plist> is empty')
  skipMisc(cursor)
  const value = read(cursor, openTag(cursor), 1)
  skipMisc(cursor)
  closeTag(cursor, 'plist')
  skipMisc(cursor)
  if (cursor.at < cursor.text.length) fail(cursor, 'text after </plist>')
  return value
}

function readValue(cursor: XmlCursor, name: string, depth: number): PlistValue {
  switch (name) {
    case 'string':
      return readText(cursor, name)
    case 'dict':
      return readDict(cursor, depth)
    case 'array':
      return readArray(cursor, depth)
    case 'true':
    case 'false':
      skipBoolean(cursor, name)
      return name === 'true'
    case 'integer':
      return readScalar(cursor, name, parseInteger)
    case 'data':
      return readScalar(cursor, name, parseData)
    case 'real':
      return readScalar(cursor, name, parseReal)
    case 'date':
      return readScalar(cursor, name, parseDate)
    default:
      return refuseElement(cursor, name)
  }
}

function readScalar<T>(cursor: XmlCursor, name: string, parse: (text: string) => T | undefined): T {
  const start = cursor.at
  const value = parse(readText(cursor, name))
  if (value === undefined) throw new PlistError(`malformed <${name}>`, start)
  return value
}

function readArray(cursor: XmlCursor, depth: number): PlistValue[] {
  const items: PlistValue[] = []
  eachItem(cursor, depth, (name) => items.push(readValue(cursor, name, depth + 1)))
  return items
}

function readDict(cursor: XmlCursor, depth: number, wanted?: ReadonlySet<string>): PlistDict {
  const dict = emptyDict()
  eachEntry(cursor, depth, (key, name) => {
    if (mustBeUnique(key) && key in dict) fail(cursor, `duplicate key ${key}`)
    if (wanted === undefined || wanted.has(key)) dict[key] = readValue(cursor, name, depth + 1)
    else skipValue(cursor, name, depth + 1)
  })
  return dict
}

function skipValue(cursor: XmlCursor, name: string, depth: number): void {
  switch (name) {
    case 'dict':
      eachEntry(cursor, depth, (_, item) => skipValue(cursor, item, depth + 1))
      break
    case 'array':
      eachItem(cursor, depth, (item) => skipValue(cursor, item, depth + 1))
      break
    case 'true':
    case 'false':
      skipBoolean(cursor, name)
      break
    case 'string':
    case 'integer':
    case 'data':
    case 'real':
    case 'date':
      readText(cursor, name)
      break
    default:
      refuseElement(cursor, name)
  }
}

function eachItem(cursor: XmlCursor, depth: number, visit: (name: string) => void): void {
  if (depth > MAX_DEPTH) fail(cursor, `more than ${MAX_DEPTH} levels`)
  if (cursor.selfClosed) return
  skipMisc(cursor)
  while (!atClosingTag(cursor)) {
    visit(openTag(cursor))
    skipMisc(cursor)
  }
  closeTag(cursor, 'array')
}

function eachEntry(
  cursor: XmlCursor,
  depth: number,
  visit: (key: string, name: string) => void,
): void {
  if (depth > MAX_DEPTH) fail(cursor, `more than ${MAX_DEPTH} levels`)
  if (cursor.selfClosed) return
  skipMisc(cursor)
  while (!atClosingTag(cursor)) {
    if (openTag(cursor) !== 'key') fail(cursor, 'value without key')
    const key = readText(cursor, 'key')
    skipMisc(cursor)
    if (atClosingTag(cursor)) fail(cursor, `key ${key} without value`)
    visit(key, openTag(cursor))
    skipMisc(cursor)
  }
  closeTag(cursor, 'dict')
}

function skipBoolean(cursor: XmlCursor, name: string): void {
  if (cursor.selfClosed) return
  skipMisc(cursor)
  closeTag(cursor, name)
}

function refuseElement(cursor: XmlCursor, name: string): never {
  return fail(
    cursor,
    name === 'key' ? '<key> where a value should be' : `unknown element <${name}>`,
  )
}

function emptyDict(): Record<string, PlistValue> {
  return Object.create(null)
}
