/**
 * Converts BER to DER, for the one kind of BER that matters here: indefinite lengths on the outer levels,
 * and octet strings cut in pieces. Apple's CMS encoder streams, so the `Mdm-Signature` of every iPhone and
 * Mac starts with `30 80`. Profiles signed by Apple's tools and by `openssl cms -stream` do so too.
 */
import {
  contentOf,
  type Cursor,
  cursorOver,
  DerError,
  encodingOf,
  finish,
  readAny,
  readSingle,
  TAG,
} from './der.ts'
import { elementOf } from './der-write.ts'

/** Outer levels of a SignedData: ContentInfo, [0], SignedData, EncapsulatedContentInfo, [0], pieces. */
const MAX_LEVELS = 8
const INDEFINITE = 0x80
const CONSTRUCTED = 0x20
const PIECED_OCTET_STRING = 0x24

/**
 * The same element with definite lengths (X.690 §8.1.3.6, §8.7.3). Bytes whose outermost length is definite
 * are returned unchanged. Inside others every definite element is copied unchanged, so certificates and
 * signed attributes keep their exact bytes; the reader checks that they are strict DER.
 *
 * @throws DerError when the end is missing or anything follows it
 */
export function withDefiniteLengths(bytes: Uint8Array): Uint8Array {
  if (bytes[1] !== INDEFINITE) {
    return bytes
  }
  const cursor = cursorOver(bytes)
  const definite = transcode(cursor, 0)
  finish(cursor, 'CMS')
  return definite
}

function transcode(cursor: Cursor, level: number): Uint8Array {
  const { bytes, at } = cursor
  const tag = bytes[at] ?? 0
  if (bytes[at + 1] !== INDEFINITE) {
    return encodingOf(readAny(cursor, 'CMS'))
  }
  if ((tag & CONSTRUCTED) === 0 || (tag & 0x1f) === 0x1f || level > MAX_LEVELS) {
    throw new DerError('CMS: malformed or too deeply nested indefinite length')
  }
  cursor.at = at + 2
  const parts: Uint8Array[] = []
  while (!(bytes[cursor.at] === 0 && bytes[cursor.at + 1] === 0)) {
    parts.push(transcode(cursor, level + 1))
  }
  cursor.at += 2
  return tag === PIECED_OCTET_STRING ? joined(parts) : elementOf(tag, parts)
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const contents = pieces.map((piece) => contentOf(readSingle(piece, TAG.octetString, 'content')))
  return elementOf(TAG.octetString, contents)
}
