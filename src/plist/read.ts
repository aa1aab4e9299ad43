import { isBinaryPlist, readBinaryEntries, readBinaryPlist, readBinaryTop } from './binary.ts'
import { type Entries, type Leaf, newEntries } from './entries.ts'
import { PlistError } from './error.ts'
import { MAX_DEPTH, mustBeUnique } from './limits.ts'
import { parseData, parseDate, parseInteger, parseReal } from './scalar.ts'
import { decodeText, type Encoding, NO_TEXT, type PlistReading, replaced } from './text.ts'
import type { PlistDict, PlistValue } from './value.ts'
import type { XmlCursor } from './xml.ts'
import {
  atClosingTag,
  atRoot,
  closeTag,
  fail,
  openDocument,
  openTag,
  readText,
  skipMisc,
} from './xml.ts'

const LESS = 60
const WHITE_SPACE: ReadonlySet<number> = new Set([9, 10, 13, 32])
const NOT_ASCII = /[^\t\n\r -\x7f]/
/** Bytes after the text that are skipped: the end of a C string, and of a DOS file. */
const AT_END = new RegExp(`^[\\s${NO_TEXT}]*$`)

/**
 * Reads a property list: XML (UTF-8, or UTF-16 with a byte order mark) or binary. docs/micromdm.md §8
 * lists what is accepted of XML. Refused are all entities but XML's five, DTD subsets,
 * more than 128 levels, duplicates of an id key at the top, anything after the root, base64 without
 * padding, dates that do not exist, and integers outside of −2^63 … 2^64−1.
 *
 * The text of a `device`'s document is repaired. A value that cannot be parsed is read as its text; in a
 * binary plist it is left out.
 *
 * @throws PlistError and nothing else, for any bytes
 */
export function readPlist(bytes: Uint8Array, reading: PlistReading = 'strict'): PlistValue {
  if (isBinaryPlist(bytes)) return readBinaryPlist(bytes, reading)
  return readRoot(open(bytes, reading), readValue)
}

/** Whether the bytes can only be XML: markup comes first, after white space or a byte order mark. */
export function looksLikeXml(bytes: Uint8Array): boolean {
  const encoding = encodingOf(bytes)
  if (encoding !== 'utf-8') return true
  const start = bytes[0] === 0xef ? 3 : 0
  const first = bytes.subarray(start).find((byte) => !WHITE_SPACE.has(byte))
  return first === LESS
}

/**
 * Reads only the entries of a top-level dictionary whose key is in `keys`. Other values are checked for
 * nesting, depth and legal entities; their numbers, dates and base64 are not parsed. In a binary plist they
 * are not read at all.
 *
 * @throws PlistError as {@link readPlist} does for structure, and when the root is not a dictionary
 */
export function readPlistTop(
  bytes: Uint8Array,
  keys: ReadonlySet<string>,
  reading: PlistReading = 'strict',
): PlistDict {
  if (isBinaryPlist(bytes)) return readBinaryTop(bytes, reading, keys)
  return readTop(open(bytes, reading), (cursor) => readDict(cursor, 1, keys))
}

/**
 * Reads the strings, data and booleans at the top of a device's document that have the given keys: a
 * megabyte of inventory costs three strings. Their faults are reported for the caller to judge.
 *
 * @throws PlistError as {@link readPlistTop}
 */
export function readEntries(bytes: Uint8Array, keys: ReadonlySet<string>): Entries {
  if (isBinaryPlist(bytes)) return readBinaryEntries(bytes, keys)
  return readTop(open(bytes, 'device'), (cursor) => {
    const entries = newEntries()
    eachEntry(cursor, 1, (key, name) => {
      if (keys.has(key)) entries.add(key, readLeaf(cursor, name))
      else skipValue(cursor, name, 2)
    })
    return entries
  })
}

/** An entry at the top of a document, and the bytes of its key and value. */
export interface EntrySpan {
  readonly key: string
  readonly from: number
  readonly to: number
}

/**
 * The places of the entries in a device's XML document, so that one can be cut out and each other byte stays.
 * Markup is ASCII: text in any encoding that extends ASCII is skipped, but only ASCII keys are recognised.
 *
 * @throws PlistError as {@link readPlistTop}, and for UTF-16 and binary documents
 */
export function entrySpans(bytes: Uint8Array): EntrySpan[] {
  // One character for each byte; U+FEFF has three in UTF-8.
  const text = replaced(new TextDecoder('latin1').decode(bytes), NOT_ASCII, NO_TEXT)
  const cursor = atRoot(text, 'device', bytes[0] === 0xef ? 3 : 0)
  return readTop(cursor, () => {
    const spans: EntrySpan[] = []
    eachEntry(cursor, 1, (key, name, from) => {
      skipValue(cursor, name, 2)
      spans.push({ key, from, to: cursor.at })
    })
    return spans
  })
}

function readLeaf(cursor: XmlCursor, name: string): Leaf {
  switch (name) {
    case 'string':
      return readText(cursor, name)
    case 'data':
      return parseData(readText(cursor, name))
    case 'true':
    case 'false':
      skipBoolean(cursor, name)
      return name === 'true'
    default:
      skipValue(cursor, name, 2)
      return undefined
  }
}

function open(bytes: Uint8Array, reading: PlistReading): XmlCursor {
  return openDocument(decodeText(bytes, encodingOf(bytes)), reading)
}

function encodingOf(bytes: Uint8Array): Encoding {
  const mark = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
  if (mark === 0xfffe) return 'utf-16le'
  return mark === 0xfeff ? 'utf-16be' : 'utf-8'
}

function readTop<T>(cursor: XmlCursor, read: (cursor: XmlCursor) => T): T {
  return readRoot(cursor, (_, name) => {
    if (name !== 'dict') fail(cursor, 'the root is not a dictionary')
    return read(cursor)
  })
}

type ReadRoot<T> = (cursor: XmlCursor, name: string, depth: number) => T

/** The value in `<plist>`, or without it: CoreFoundation does not require it. */
function readRoot<T>(cursor: XmlCursor, read: ReadRoot<T>): T {
  const root = openTag(cursor)
  const value = root === 'plist' ? readInside(cursor, read) : read(cursor, root, 1)
  skipMisc(cursor)
  if (!AT_END.test(cursor.text.slice(cursor.at)))
    fail(cursor, 'text after the end of the root element')
  return value
}

function readInside<T>(cursor: XmlCursor, read: ReadRoot<T>): T {
  if (cursor.selfClosed) fail(cursor, '<plist> is empty')
  skipMisc(cursor)
  const value = read(cursor, openTag(cursor), 1)
  skipMisc(cursor)
  closeTag(cursor, 'plist')
  return value
}

function readValue(cursor: XmlCursor, name: string, depth: number): PlistValue {
  switch (name) {
    case 'string':
      return readText(cursor, name).toWellFormed()
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

function readScalar<T>(
  cursor: XmlCursor,
  name: string,
  parse: (text: string) => T | undefined,
): T | string {
  const start = cursor.at
  const text = readText(cursor, name)
  const value = parse(text)
  if (value !== undefined) return value
  if (cursor.reading === 'device') return text.toWellFormed()
  throw new PlistError(`malformed <${name}>`, start)
}

function readArray(cursor: XmlCursor, depth: number): PlistValue[] {
  const items: PlistValue[] = []
  eachItem(cursor, depth, (name) => items.push(readValue(cursor, name, depth + 1)))
  return items
}

function readDict(cursor: XmlCursor, depth: number, wanted?: ReadonlySet<string>): PlistDict {
  const dict = emptyDict()
  eachEntry(cursor, depth, (key, name) => {
    if (depth === 1 && mustBeUnique(key) && key in dict) fail(cursor, `duplicate key ${key}`)
    if (wanted === undefined || wanted.has(key))
      dict[key.toWellFormed()] = readValue(cursor, name, depth + 1)
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
  visit: (key: string, name: string, from: number) => void,
): void {
  if (depth > MAX_DEPTH) fail(cursor, `more than ${MAX_DEPTH} levels`)
  if (cursor.selfClosed) return
  skipMisc(cursor)
  while (!atClosingTag(cursor)) {
    const from = cursor.at
    if (openTag(cursor) !== 'key') fail(cursor, 'value without key')
    const key = readText(cursor, 'key')
    skipMisc(cursor)
    if (atClosingTag(cursor)) fail(cursor, `key ${key} without value`)
    visit(key, openTag(cursor), from)
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
