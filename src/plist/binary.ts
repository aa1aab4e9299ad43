import { PlistError } from './error.ts'
import { MAX_DEPTH, mustBeUnique } from './limits.ts'
import { integerOf } from './scalar.ts'
import type { PlistDict, PlistValue } from './value.ts'

const MAGIC = 'bplist00'
const TRAILER_SIZE = 32
/** 2001-01-01T00:00:00Z in Unix milliseconds, the zero of CFAbsoluteTime. */
const EPOCH = 978_307_200_000
const MAX_DATE = 8.64e15

interface BinaryFile {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly offsetSize: number
  readonly refSize: number
  readonly count: number
  readonly tableAt: number
  /** Values of leaves already read: a long string may be referred to from everywhere. */
  readonly leaves: Map<number, PlistValue>
  /** Values still allowed. Containers that share children grow exponentially when expanded. */
  budget: number
}

/** Whether the bytes begin with `bplist00`. */
export function isBinaryPlist(bytes: Uint8Array): boolean {
  for (let i = 0; i < MAGIC.length; i++) if (bytes[i] !== MAGIC.charCodeAt(i)) return false
  return true
}

/**
 * Reads a binary property list (CoreFoundation's CFBinaryPList.c). Same limits as XML; `null`, UID and set
 * objects have no XML form and are refused, as are cycles and bombs of shared containers.
 *
 * @throws PlistError and nothing else
 */
export function readBinaryPlist(bytes: Uint8Array): PlistValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const trailer = bytes.length - TRAILER_SIZE
  if (trailer < MAGIC.length) throw new PlistError('binary plist is too short', bytes.length)
  const file: BinaryFile = {
    bytes,
    view,
    offsetSize: bytes[trailer + 6] ?? 0,
    refSize: bytes[trailer + 7] ?? 0,
    count: Number(view.getBigUint64(trailer + 8)),
    tableAt: Number(view.getBigUint64(trailer + 24)),
    leaves: new Map(),
    budget: bytes.length,
  }
  const sizesFit = [file.offsetSize, file.refSize].every((size) => size >= 1 && size <= 8)
  if (!sizesFit || file.tableAt + file.count * file.offsetSize > trailer) {
    throw new PlistError('malformed binary plist trailer', trailer)
  }
  return readObject(file, Number(view.getBigUint64(trailer + 16)), 1)
}

function readObject(file: BinaryFile, ref: number, depth: number): PlistValue {
  const known = file.leaves.get(ref)
  if (--file.budget < 0) throw new PlistError('binary plist repeats itself without bound')
  if (known !== undefined) return known
  if (ref >= file.count) throw new PlistError('object reference out of range', file.tableAt)
  const at = unsigned(file, file.tableAt + ref * file.offsetSize, file.offsetSize)
  if (at < MAGIC.length || at >= file.tableAt) throw new PlistError('object out of range', at)
  const marker = file.bytes[at] ?? 0
  const kind = marker >> 4
  if (kind === 0xa || kind === 0xd) {
    if (depth > MAX_DEPTH) throw new PlistError(`more than ${MAX_DEPTH} levels`, at)
    return kind === 0xa ? readArray(file, at, depth) : readDict(file, at, depth)
  }
  const leaf = readLeaf(file, at, marker)
  file.leaves.set(ref, leaf)
  return leaf
}

function readLeaf(file: BinaryFile, at: number, marker: number): PlistValue {
  switch (marker >> 4) {
    case 0x0:
      if (marker === 0x08 || marker === 0x09) return marker === 0x09
      break
    case 0x1:
      return readInteger(file, at)
    case 0x2:
      if (marker === 0x22) return file.view.getFloat32(room(file, at + 1, 4)) + 0
      if (marker === 0x23) return file.view.getFloat64(room(file, at + 1, 8)) + 0
      break
    case 0x3:
      if (marker === 0x33) return readDate(file, at)
      break
    case 0x4: {
      const { start, length } = lengthAt(file, at, 1)
      // Not slice(): a Buffer's shares its memory.
      return new Uint8Array(file.bytes.subarray(start, start + length))
    }
    case 0x5:
      return text(file, at, 1, 'utf-8')
    case 0x6:
      return text(file, at, 2, 'utf-16be')
    case 0x7:
      return text(file, at, 1, 'utf-8')
    default:
  }
  throw new PlistError(`object of unknown type 0x${marker.toString(16)}`, at)
}

function readInteger(file: BinaryFile, at: number): number | bigint {
  const size = 1 << ((file.bytes[at] ?? 0) & 0xf)
  const start = room(file, at + 1, size)
  if (size < 8) return unsigned(file, start, size)
  if (size > 16) throw new PlistError('integer of unknown size', at)
  const high = file.view.getBigInt64(start)
  const value = integerOf(size === 8 ? high : (high << 64n) | file.view.getBigUint64(start + 8))
  if (value === undefined) throw new PlistError('integer out of range', at)
  return value
}

function readDate(file: BinaryFile, at: number): Date {
  const time = EPOCH + file.view.getFloat64(room(file, at + 1, 8)) * 1000
  if (!(Math.abs(time) <= MAX_DATE)) throw new PlistError('date out of range', at)
  return new Date(time)
}

function text(file: BinaryFile, at: number, unit: number, encoding: string): string {
  const { start, length } = lengthAt(file, at, unit)
  const bytes = file.bytes.subarray(start, start + length * unit)
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new PlistError('text is not valid in its encoding', at)
  }
}

function readArray(file: BinaryFile, at: number, depth: number): PlistValue[] {
  const { start, length } = lengthAt(file, at, file.refSize)
  const items: PlistValue[] = []
  for (let i = 0; i < length; i++) {
    items.push(readObject(file, unsigned(file, start + i * file.refSize, file.refSize), depth + 1))
  }
  return items
}

function readDict(file: BinaryFile, at: number, depth: number): PlistDict {
  const { start, length } = lengthAt(file, at, 2 * file.refSize)
  const dict: Record<string, PlistValue> = Object.create(null)
  for (let i = 0; i < length; i++) {
    const keyAt = start + i * file.refSize
    const key = readObject(file, unsigned(file, keyAt, file.refSize), depth + 1)
    if (typeof key !== 'string') throw new PlistError('dictionary key is not a string', keyAt)
    if (mustBeUnique(key) && key in dict) throw new PlistError(`duplicate key ${key}`, keyAt)
    const ref = unsigned(file, keyAt + length * file.refSize, file.refSize)
    dict[key] = readObject(file, ref, depth + 1)
  }
  return dict
}

/** Where an object's content starts and how many units of `unit` bytes it has; all of them are in the file. */
function lengthAt(
  file: BinaryFile,
  at: number,
  unit: number,
): { readonly start: number; readonly length: number } {
  const short = (file.bytes[at] ?? 0) & 0xf
  if (short !== 0xf) return { start: room(file, at + 1, short * unit), length: short }
  const marker = file.bytes[room(file, at + 1, 1)] ?? 0
  const size = 1 << (marker & 0xf)
  if (marker >> 4 !== 1 || size > 8) throw new PlistError('malformed length', at)
  const length = unsigned(file, room(file, at + 2, size), size)
  return { start: room(file, at + 2 + size, length * unit), length }
}

/** `at`, once it is certain that `size` bytes of objects are there. */
function room(file: BinaryFile, at: number, size: number): number {
  if (at + size > file.tableAt) throw new PlistError('object runs out of the file', at)
  return at
}

/** Big-endian, 1 to 8 bytes. Values beyond 2^53 lose digits, but no offset or length so large is in range. */
function unsigned(file: BinaryFile, at: number, size: number): number {
  let value = 0
  for (let i = 0; i < size; i++) value = value * 256 + (file.bytes[at + i] ?? 0)
  return value
}
