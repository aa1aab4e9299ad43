/**
 * Reads DER (X.690), the subset that CMS and X.509 need: a cursor reads one element after another and fails
 * at the first byte that is not distinguished encoding.
 *
 * It accepts exactly one encoding for each value. Where two readers disagree about the end of an element,
 * an attacker can move a signature to other content.
 */
import { OwnError } from '../../reason.ts'

import { Buffer } from 'node:buffer'

/** Bytes that are not the expected DER. The message names the field. */
export class DerError extends OwnError {
  override name = 'DerError'
}

/** Tags used by CMS and X.509: class and constructed bit included (X.690 §8.1.2). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** Real ones have about 20 bytes, and error texts quote them. */
const MAX_OID_BYTES = 128

/** One element: `bytes[start, end)` is its encoding, `bytes[body, end)` its content. */
export interface Element {
  readonly tag: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly body: number
  readonly end: number
}

/** A place in DER bytes: reading moves `at` towards `end`. */
export interface Cursor {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
}

export function cursorOver(bytes: Uint8Array): Cursor {
  return { bytes, at: 0, end: bytes.length }
}

/** A cursor over the content of a constructed element. */
export function inside(element: Element): Cursor {
  return { bytes: element.bytes, at: element.body, end: element.end }
}

/** The content bytes of an element (a view, not a copy). */
export function contentOf(element: Element): Uint8Array {
  return element.bytes.subarray(element.body, element.end)
}

/** The whole encoding of an element, tag and length included (a view, not a copy). */
export function encodingOf(element: Element): Uint8Array {
  return element.bytes.subarray(element.start, element.end)
}

/** Whether the cursor has reached its end. */
export function atEnd(cursor: Cursor): boolean {
  return cursor.at >= cursor.end
}

/**
 * Reads the next element, of any tag.
 *
 * @throws DerError on truncation, multi-byte tags, indefinite lengths and lengths that are not minimal
 * (X.690 §10.1)
 */
export function readAny(cursor: Cursor, what: string): Element {
  const start = cursor.at
  const tag = byteAt(cursor, start, what)
  if ((tag & 0x1f) === 0x1f) {
    throw new DerError(`${what}: tag numbers above 30 are not used here`)
  }
  const first = byteAt(cursor, start + 1, what)
  let body = start + 2
  let length = first
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 4) {
      throw new DerError(`${what}: ${count === 0 ? 'indefinite' : 'oversized'} length`)
    }
    length = 0
    for (let i = 0; i < count; i += 1) {
      length = length * 256 + byteAt(cursor, body + i, what)
    }
    if (length < 0x80 || length < 256 ** (count - 1)) {
      throw new DerError(`${what}: length is not minimal`)
    }
    body += count
  }
  const end = body + length
  if (end > cursor.end) {
    throw new DerError(`${what}: truncated`)
  }
  cursor.at = end
  return { tag, bytes: cursor.bytes, start, body, end }
}

/** Reads the next element, which must have this tag. Throws DerError otherwise. */
export function read(cursor: Cursor, tag: number, what: string): Element {
  const element = readAny(cursor, what)
  if (element.tag !== tag) {
    throw new DerError(`${what}: expected tag ${hex(tag)}, found ${hex(element.tag)}`)
  }
  return element
}

/** Reads the next element if it has this tag, else leaves the cursor where it is. */
export function readOptional(cursor: Cursor, tag: number, what: string): Element | undefined {
  if (atEnd(cursor) || cursor.bytes[cursor.at] !== tag) {
    return undefined
  }
  return readAny(cursor, what)
}

/** Throws DerError when anything follows where an element's fields must have ended. */
export function finish(cursor: Cursor, what: string): void {
  if (!atEnd(cursor)) {
    throw new DerError(`${what}: unexpected bytes at the end`)
  }
}

/** Reads the only element of `bytes`. Throws DerError when the tag differs or anything follows. */
export function readSingle(bytes: Uint8Array, tag: number, what: string): Element {
  const cursor = cursorOver(bytes)
  const element = read(cursor, tag, what)
  finish(cursor, what)
  return element
}

/** Reads an OBJECT IDENTIFIER as dotted text. Throws DerError when it is malformed (X.690 §8.19). */
export function readOid(cursor: Cursor, what: string): string {
  const element = read(cursor, TAG.oid, what)
  if (!isOid(element)) {
    throw new DerError(`${what}: malformed object identifier`)
  }
  let text = ''
  let arc = 0
  for (let at = element.body; at < element.end; at += 1) {
    const byte = element.bytes[at] ?? 0
    arc = arc * 128 + (byte & 0x7f)
    if (byte < 0x80) {
      const root = Math.min(2, Math.floor(arc / 40))
      text += text === '' ? `${root}.${arc - root * 40}` : `.${arc}`
      arc = 0
    }
  }
  return text
}

/** Whether the arcs are minimal, complete, few, and exact as numbers. */
export function isOid({ bytes, body, end }: Element): boolean {
  if (end - body > MAX_OID_BYTES) {
    return false
  }
  let arc = 0
  let fresh = true
  for (let at = body; at < end; at += 1) {
    const byte = bytes[at] ?? 0
    if ((fresh && byte === 0x80) || arc > Number.MAX_SAFE_INTEGER / 256) {
      return false
    }
    fresh = byte < 0x80
    arc = fresh ? 0 : arc * 128 + (byte & 0x7f)
  }
  return fresh && end > body
}

/** Reads an INTEGER's content bytes: big-endian two's complement, as short as it can be. */
export function readInteger(cursor: Cursor, what: string): Uint8Array {
  const element = read(cursor, TAG.integer, what)
  requireMinimalInteger(element, what)
  return contentOf(element)
}

/** Reads a non-negative INTEGER below 2^31. Throws DerError for all others. */
export function readSmallInteger(cursor: Cursor, what: string): number {
  const content = readInteger(cursor, what)
  if (content.length > 4 || (content[0] ?? 0) >= 0x80) {
    throw new DerError(`${what}: number out of range`)
  }
  return content.reduce((value, byte) => value * 256 + byte, 0)
}

/** Reads a BIT STRING of whole bytes, as keys and signatures are. Throws DerError for unused bits. */
export function readBits(cursor: Cursor, what: string): Uint8Array {
  const content = contentOf(read(cursor, TAG.bitString, what))
  if (content[0] !== 0) {
    throw new DerError(`${what}: expected a bit string of whole bytes`)
  }
  return content.subarray(1)
}

/**
 * @throws DerError for an INTEGER that is empty, or padded with bytes that say only its sign (X.690 §8.3.2).
 */
export function requireMinimalInteger({ bytes, body, end }: Element, what: string): void {
  const first = bytes[body]
  const second = bytes[body + 1] ?? 0
  const padded =
    end > body + 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
  if (end === body || padded) {
    throw new DerError(`${what}: integer that is not minimal is not DER`)
  }
}

function byteAt(cursor: Cursor, at: number, what: string): number {
  const byte = at < cursor.end ? cursor.bytes[at] : undefined
  if (byte === undefined) {
    throw new DerError(`${what}: truncated`)
  }
  return byte
}

/** Bytes as ISO 8859-1 text: times, IA5 and printable strings. */
export function asciiOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`
}
