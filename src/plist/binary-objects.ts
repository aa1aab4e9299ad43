import { PlistError } from './error.ts'
import type { PlistReading } from './text.ts'
import type { PlistValue } from './value.ts'

const HEADER_SIZE = 8
const TRAILER_SIZE = 32

/** A binary property list (CoreFoundation's CFBinaryPList.c), and how much may still be read of it. */
export interface BinaryFile {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly reading: PlistReading
  readonly offsetSize: number
  readonly refSize: number
  readonly count: number
  readonly tableAt: number
  readonly root: number
  /** Values of leaves already read: many objects may refer to one long string. */
  readonly leaves: Map<number, PlistValue | undefined>
  /** Values still allowed. Containers that share children grow exponentially when expanded. */
  budget: number
  /** Bytes of text and data still allowed: objects may overlap, and many may refer to one of them. */
  content: number
}

/** Keys are written once and referred to by a byte or two, so an honest list grows about ten times. */
const MOST_GROWTH = 32
/** An XML document of that size would be too long to be accepted. */
const MOST_CONTENT = 20_000_000

/** Reads the trailer. @throws PlistError */
export function openFile(bytes: Uint8Array, reading: PlistReading): BinaryFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const trailer = bytes.length - TRAILER_SIZE
  if (trailer < HEADER_SIZE) throw new PlistError('binary plist is too short', bytes.length)
  const file: BinaryFile = {
    bytes,
    view,
    reading,
    offsetSize: bytes[trailer + 6] ?? 0,
    refSize: bytes[trailer + 7] ?? 0,
    count: Number(view.getBigUint64(trailer + 8)),
    tableAt: Number(view.getBigUint64(trailer + 24)),
    root: Number(view.getBigUint64(trailer + 16)),
    leaves: new Map(),
    budget: bytes.length,
    content: Math.min(MOST_CONTENT, MOST_GROWTH * bytes.length),
  }
  const sizesFit = [file.offsetSize, file.refSize].every((size) => size >= 1 && size <= 8)
  if (!sizesFit || file.tableAt + file.count * file.offsetSize > trailer) {
    throw new PlistError('malformed binary plist trailer', trailer)
  }
  return file
}

/** Where the object of that number starts. @throws PlistError */
export function objectAt(file: BinaryFile, ref: number): number {
  if (ref >= file.count) throw new PlistError('object reference out of range', file.tableAt)
  const at = unsigned(file, file.tableAt + ref * file.offsetSize, file.offsetSize)
  if (at < HEADER_SIZE || at >= file.tableAt) throw new PlistError('object out of range', at)
  return at
}

/** Where an object's content starts, and its length in units of `unit` bytes. All of them are in the file. */
export function lengthAt(
  file: BinaryFile,
  at: number,
  unit: number,
): { readonly start: number; readonly length: number } {
  const short = (file.bytes[at] ?? 0) & 0xf
  if (short !== 0xf) {
    spend(file, short * unit)
    return { start: room(file, at + 1, short * unit), length: short }
  }
  const marker = file.bytes[room(file, at + 1, 1)] ?? 0
  const size = 1 << (marker & 0xf)
  if (marker >> 4 !== 1 || size > 8) throw new PlistError('malformed length', at)
  const length = unsigned(file, room(file, at + 2, size), size)
  const start = room(file, at + 2 + size, length * unit)
  spend(file, length * unit)
  return { start, length }
}

/** Counts content that is read. @throws PlistError when it exceeds the file's allowance */
export function spend(file: BinaryFile, bytes: number): void {
  file.content -= bytes
  if (file.content < 0) refuseRepeats()
}

/** @throws PlistError always: the file expands without bound. */
export function refuseRepeats(): never {
  throw new PlistError('binary plist repeats itself without bound')
}

/** `at`, after checking that `size` bytes of objects are there. */
export function room(file: BinaryFile, at: number, size: number): number {
  if (at + size > file.tableAt) throw new PlistError('object runs out of the file', at)
  return at
}

/**
 * Big-endian, 1 to 8 bytes. Values beyond 2^53 lose digits, but no offset or length of that size is in range.
 */
export function unsigned(file: BinaryFile, at: number, size: number): number {
  let value = 0
  for (let i = 0; i < size; i++) value = value * 256 + (file.bytes[at + i] ?? 0)
  return value
}
