import {
  asciiOf,
  atEnd,
  contentOf,
  type Cursor,
  cursorOver,
  DerError,
  type Element,
  inside,
  isOid,
  readAny,
  requireMinimalInteger,
  TAG,
} from './der.ts'

const CONSTRUCTED = 0x20
/** Certificates nest about ten levels deep. Deeper nesting is an attack on the stack. */
const MAX_DEPTH = 32

/**
 * Checks every element of `bytes`, at every level, and the content rules of the primitive types that have
 * some. The readers of fields skip parts that they do not use (unsigned attributes, extensions). This check
 * makes sure that no other reader sees another structure in those parts.
 *
 * @throws DerError
 */
export function requireStrictDer(bytes: Uint8Array, what: string): void {
  checkLevel(cursorOver(bytes), what, 0)
}

function checkLevel(cursor: Cursor, what: string, depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new DerError(`${what}: nested too deeply`)
  }
  while (!atEnd(cursor)) {
    const element = readAny(cursor, what)
    if ((element.tag & CONSTRUCTED) === 0) {
      checkPrimitive(element, what)
    } else if (element.tag < 0x40 && element.tag !== TAG.sequence && element.tag !== TAG.set) {
      throw new DerError(`${what}: constructed string`)
    } else {
      checkLevel(inside(element), what, depth + 1)
    }
  }
}

function checkPrimitive(element: Element, what: string): void {
  const length = element.end - element.body
  const first = element.bytes[element.body] ?? 0
  switch (element.tag) {
    case TAG.boolean:
      return requireThat(length === 1 && (first === 0 || first === 0xff), what, 'boolean')
    case TAG.integer:
      return requireMinimalInteger(element, what)
    case TAG.bitString:
      return requireThat(isBitString(element), what, 'bit string')
    case TAG.null:
      return requireThat(length === 0, what, 'null with content')
    case TAG.oid:
      return requireThat(isOid(element), what, 'object identifier')
    case TAG.universalString:
      return requireThat(length % 4 === 0, what, 'UniversalString')
    case TAG.bmpString:
      return requireThat(length % 2 === 0, what, 'BMPString')
    case TAG.utcTime:
    case TAG.generalizedTime:
      return requireThat(TIME.test(asciiOf(contentOf(element))), what, 'time')
    default:
      return requireThat(
        element.tag !== 0 && element.tag !== 0x10 && element.tag !== 0x11,
        what,
        'tag',
      )
  }
}

/** UTCTime and GeneralizedTime as RFC 5280 §4.1.2.5 writes them: seconds present, Zulu. */
const TIME = /^(\d\d)?\d{12}Z$/

/** Unused bits are zero, and an empty string has none (X.690 §11.2). */
function isBitString({ bytes, body, end }: Element): boolean {
  const unused = end > body ? (bytes[body] ?? 8) : 8
  const last = end > body + 1 ? (bytes[end - 1] ?? 0) : 0xff
  return unused === 0 || (unused < 8 && (last & ((1 << unused) - 1)) === 0)
}

function requireThat(holds: boolean, what: string, rule: string): void {
  if (!holds) {
    throw new DerError(`${what}: ${rule} is not DER`)
  }
}
