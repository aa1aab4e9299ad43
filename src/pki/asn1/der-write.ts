/** The DER writer: each function returns the whole encoding of one element (X.690). */
import { Buffer } from 'node:buffer'
import { TAG } from './der.ts'

/** An element with this tag around the concatenation of `parts`. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return elementOf(tag, parts)
}

/** The same from a list, which may be longer than an argument list can be. */
export function elementOf(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = [tag, ...lengthOctets(length)]
  // Not Buffer.concat: small Buffers share one pool, and an RPC would carry the whole pool.
  const bytes = new Uint8Array(head.length + length)
  bytes.set(head)
  let at = head.length
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** SEQUENCE of already encoded elements. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return element(TAG.sequence, ...parts)
}

/** SET OF already encoded elements, sorted by encoding (X.690 §11.6). */
export function setOf(...parts: readonly Uint8Array[]): Uint8Array {
  return element(TAG.set, ...parts.toSorted((a, b) => Buffer.compare(a, b)))
}

/** `[n] EXPLICIT` around one encoded element. */
export function explicit(n: number, inner: Uint8Array): Uint8Array {
  return element(0xa0 | n, inner)
}

/** `[n] IMPLICIT` primitive: context tag `n` in place of the universal one. */
export function implicit(n: number, content: Uint8Array): Uint8Array {
  return element(0x80 | n, content)
}

/** Non-negative INTEGER, from a number or from big-endian bytes of any padding. */
export function integer(value: number | Uint8Array): Uint8Array {
  const bytes = typeof value === 'number' ? bigEndian(value) : value
  const firstUsed = bytes.findIndex((byte) => byte !== 0)
  const minimal = firstUsed === -1 ? Uint8Array.of(0) : bytes.subarray(firstUsed)
  const negative = (minimal[0] ?? 0) >= 0x80
  return element(TAG.integer, ...(negative ? [Uint8Array.of(0)] : []), minimal)
}

/** OBJECT IDENTIFIER from dotted text. */
export function oid(dotted: string): Uint8Array {
  const [root = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const octets = [root * 40 + second, ...rest].flatMap(base128)
  return element(TAG.oid, Uint8Array.from(octets))
}

/** BOOLEAN TRUE; FALSE is never written, because DER omits default values. */
export function booleanTrue(): Uint8Array {
  return Uint8Array.of(TAG.boolean, 1, 0xff)
}

/** NULL, the parameters of RSA and hash algorithms. */
export function nothing(): Uint8Array {
  return Uint8Array.of(TAG.null, 0)
}

/** OCTET STRING. */
export function octetString(bytes: Uint8Array): Uint8Array {
  return element(TAG.octetString, bytes)
}

/** BIT STRING; `unused` is the number of unused low bits of the last byte. */
export function bitString(bytes: Uint8Array, unused = 0): Uint8Array {
  return element(TAG.bitString, Uint8Array.of(unused), bytes)
}

/** UTF8String. */
export function utf8String(text: string): Uint8Array {
  return element(TAG.utf8String, Buffer.from(text, 'utf8'))
}

/** PrintableString; the caller keeps to its alphabet. */
export function printableString(text: string): Uint8Array {
  return element(TAG.printableString, Buffer.from(text, 'latin1'))
}

/** IA5String; the caller keeps to ASCII. */
export function ia5String(text: string): Uint8Array {
  return element(TAG.ia5String, Buffer.from(text, 'latin1'))
}

/**
 * A time from milliseconds since 1970, cut to seconds: UTCTime until 2049, GeneralizedTime from 2050 on
 * (RFC 5280 §4.1.2.5, RFC 5652 §11.3).
 */
export function derTime(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')
  const short = digits >= '1950' && digits < '2050'
  const text = `${short ? digits.slice(2) : digits}Z`
  return element(short ? TAG.utcTime : TAG.generalizedTime, Buffer.from(text, 'latin1'))
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) {
    return [length]
  }
  const octets = [...bigEndian(length)]
  return [0x80 | octets.length, ...octets]
}

function bigEndian(value: number): Uint8Array {
  const digits = value.toString(16)
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
}

function base128(arc: number): number[] {
  const octets = [arc & 0x7f]
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    octets.unshift((rest & 0x7f) | 0x80)
  }
  return octets
}

/** A copy with another tag: signed attributes are sent as `[0]` and signed as a SET (RFC 5652 §5.4). */
export function retagged(encoding: Uint8Array, tag: number): Uint8Array {
  const copy = new Uint8Array(encoding)
  copy[0] = tag
  return copy
}
