/** Reads protobuf's wire format (protobuf.dev, "Encoding"), as proto3 uses it. */
import { OwnError } from '../../reason.ts'

/** Bytes that are no protobuf message, or a field of another type. */
export class WireError extends OwnError {
  override readonly name = 'WireError'
}

/** The fields of one message by their number: varints as unsigned 64 bits, and bytes as views. */
export type WireFields = ReadonlyMap<number, readonly (bigint | Uint8Array)[]>

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5
/** 64 bits, 7 in each byte. */
const MAX_VARINT_BYTES = 10
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn

interface WireCursor {
  readonly bytes: Uint8Array
  at: number
}

/**
 * Reads all fields of a message. Those of fixed length are skipped: no record here has one.
 *
 * @throws WireError on truncation, the field number 0, groups, and varints of more than 64 bits
 */
export function readWire(bytes: Uint8Array): WireFields {
  const fields = new Map<number, (bigint | Uint8Array)[]>()
  const cursor: WireCursor = { bytes, at: 0 }
  while (cursor.at < bytes.length) {
    const tag = readSmall(cursor)
    const number = Math.floor(tag / 8)
    if (number === 0) {
      throw new WireError('a field has the number 0')
    }
    const value = readValue(cursor, tag % 8)
    if (value !== undefined) {
      const values = fields.get(number)
      if (values === undefined) fields.set(number, [value])
      else values.push(value)
    }
  }
  return fields
}

function readValue(cursor: WireCursor, type: number): bigint | Uint8Array | undefined {
  switch (type) {
    case VARINT:
      return readVarint(cursor)
    case BYTES:
      return take(cursor, readSmall(cursor))
    case FIXED64:
    case FIXED32:
      take(cursor, type === FIXED64 ? 8 : 4)
      return undefined
    default:
      throw new WireError(`a field has the wire type ${type}`)
  }
}

function take(cursor: WireCursor, length: number): Uint8Array {
  const end = cursor.at + length
  if (end > cursor.bytes.length) {
    throw new WireError('it ends within a field')
  }
  const value = cursor.bytes.subarray(cursor.at, end)
  cursor.at = end
  return value
}

/** A tag or a length: one byte, mostly. */
function readSmall(cursor: WireCursor): number {
  const first = cursor.bytes[cursor.at]
  if (first !== undefined && first < 0x80) {
    cursor.at += 1
    return first
  }
  return Number(readVarint(cursor))
}

function readVarint(cursor: WireCursor): bigint {
  const rest = cursor.bytes.subarray(cursor.at, cursor.at + MAX_VARINT_BYTES)
  const length = rest.findIndex((byte) => byte < 0x80) + 1
  if (length === 0) {
    throw new WireError('a number does not end')
  }
  const value = rest
    .subarray(0, length)
    .reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 0x7f), 0n)
  if (value > MAX_UINT64) {
    throw new WireError('a number has more than 64 bits')
  }
  cursor.at += length
  return value
}

// Of a field that is there more than once, the last one counts. Absent ones have proto3's defaults.

/** @throws WireError when it is no UTF-8: Go does not write or read such a string either */
export function wireText(fields: WireFields, number: number): string {
  return textOf(wireBytes(fields, number), number)
}

/** The texts of a field that may be there many times. @throws WireError as {@link wireText} */
export function wireTexts(fields: WireFields, number: number): readonly string[] {
  return wireMessages(fields, number).map((bytes) => textOf(bytes, number))
}

function textOf(bytes: Uint8Array, number: number): string {
  try {
    return UTF8.decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) {
      throw new WireError(`field ${number} is no UTF-8 text`)
    }
    throw error
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const NO_BYTES = new Uint8Array()

/** @throws WireError when it is a number */
export function wireBytes(fields: WireFields, number: number): Uint8Array {
  return wireMessages(fields, number).at(-1) ?? NO_BYTES
}

/** The bytes of a field that may be there many times. @throws WireError when one is a number */
export function wireMessages(fields: WireFields, number: number): readonly Uint8Array[] {
  return (fields.get(number) ?? []).map((value) => {
    if (typeof value === 'bigint') {
      throw new WireError(`field ${number} is a number`)
    }
    return value
  })
}

/** @throws WireError when it is no number */
export function wireInt64(fields: WireFields, number: number): bigint {
  const value = fields.get(number)?.at(-1) ?? 0n
  if (typeof value !== 'bigint') {
    throw new WireError(`field ${number} is no number`)
  }
  return BigInt.asIntN(64, value)
}

/** @throws WireError when it is no number */
export function wireFlag(fields: WireFields, number: number): boolean {
  return wireInt64(fields, number) !== 0n
}
