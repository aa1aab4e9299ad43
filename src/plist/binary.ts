import {
  type BinaryFile,
  lengthAt,
  objectAt,
  openFile,
  refuseRepeats,
  room,
  spend,
  unsigned,
} from './binary-objects.ts'
import { type Entries, type Leaf, newEntries } from './entries.ts'
import { PlistError } from './error.ts'
import { MAX_DEPTH, mustBeUnique } from './limits.ts'
import { integerOf } from './scalar.ts'
import { decodeText, marked, type PlistReading } from './text.ts'
import type { PlistDict, PlistValue } from './value.ts'

/** Any version 0: CoreFoundation ignores the character that follows. */
const MAGIC = 'bplist0'
/** 2001-01-01T00:00:00Z in Unix milliseconds, the zero of CFAbsoluteTime. */
const EPOCH = 978_307_200_000
const MAX_DATE = 8.64e15

/** Whether the bytes begin with `bplist0`. */
export function isBinaryPlist(bytes: Uint8Array): boolean {
  for (let i = 0; i < MAGIC.length; i++) if (bytes[i] !== MAGIC.charCodeAt(i)) return false
  return true
}

/**
 * Reads a binary property list (CoreFoundation's CFBinaryPList.c), with the same limits as XML. `null`, UID
 * and set objects, and dates and integers out of range, have no XML form: they are refused, or left out of
 * a device's document. Cycles and bombs of shared containers are refused.
 *
 * @throws PlistError and nothing else
 */
export function readBinaryPlist(bytes: Uint8Array, reading: PlistReading): PlistValue {
  const file = openFile(bytes, reading)
  const value = readObject(file, file.root, 1)
  if (value === undefined) throw new PlistError('the root is no value', file.tableAt)
  return value
}

/**
 * The entries at the top that have one of `keys`; nothing else is read.
 *
 * @throws PlistError also when the root is not a dictionary
 */
export function readBinaryTop(
  bytes: Uint8Array,
  reading: PlistReading,
  keys: ReadonlySet<string>,
): PlistDict {
  const file = openFile(bytes, reading)
  return readDict(file, topDict(file), 1, keys)
}

/** The strings, data and booleans among them. @throws PlistError as {@link readBinaryTop} */
export function readBinaryEntries(bytes: Uint8Array, keys: ReadonlySet<string>): Entries {
  const file = openFile(bytes, 'device')
  const refs = new Map<string, number>()
  eachEntry(file, topDict(file), (key, ref) => {
    if (mustBeUnique(key) && refs.has(key)) throw new PlistError(`plist: duplicate key ${key}`)
    if (keys.has(key)) refs.set(key, ref)
  })
  const entries = newEntries()
  for (const [key, ref] of refs) entries.add(key, readEntry(file, ref))
  return entries
}

function readEntry(file: BinaryFile, ref: number): Leaf {
  try {
    const at = objectAt(file, ref)
    const marker = file.bytes[at] ?? 0
    if (isText(marker)) return readText(file, at, marker)
    const value =
      marker >> 4 === 0x4 || marker === 0x08 || marker === 0x09
        ? readLeaf(file, at, marker)
        : undefined
    return value instanceof Uint8Array || typeof value === 'boolean' ? value : undefined
  } catch (error) {
    if (error instanceof PlistError) return undefined
    throw error
  }
}

function topDict(file: BinaryFile): number {
  const at = objectAt(file, file.root)
  if ((file.bytes[at] ?? 0) >> 4 !== 0xd) throw new PlistError('the root is not a dictionary', at)
  return at
}

/** Undefined for an object without meaning, in a device's document. */
function readObject(file: BinaryFile, ref: number, depth: number): PlistValue | undefined {
  if (--file.budget < 0) refuseRepeats()
  if (file.leaves.has(ref)) {
    const known = file.leaves.get(ref)
    if (typeof known === 'string' || known instanceof Uint8Array) spend(file, known.length)
    return known
  }
  const at = objectAt(file, ref)
  const marker = file.bytes[at] ?? 0
  const kind = marker >> 4
  if (kind === 0xa || kind === 0xd) {
    if (depth > MAX_DEPTH) throw new PlistError(`more than ${MAX_DEPTH} levels`, at)
    return kind === 0xa ? readArray(file, at, depth) : readDict(file, at, depth)
  }
  const leaf = isText(marker)
    ? readText(file, at, marker).toWellFormed()
    : readLeaf(file, at, marker)
  if (leaf === undefined && file.reading === 'strict') {
    throw new PlistError(`object of type 0x${marker.toString(16)} that has no meaning`, at)
  }
  file.leaves.set(ref, leaf)
  return leaf
}

/** A value that is neither text nor a container. */
function readLeaf(file: BinaryFile, at: number, marker: number): PlistValue | undefined {
  switch (marker >> 4) {
    case 0x0:
      return marker === 0x08 || marker === 0x09 ? marker === 0x09 : undefined
    case 0x1:
      return readInteger(file, at)
    case 0x2:
      if (marker === 0x22) return file.view.getFloat32(room(file, at + 1, 4)) + 0
      if (marker === 0x23) return file.view.getFloat64(room(file, at + 1, 8)) + 0
      return undefined
    case 0x3:
      return marker === 0x33 ? readDate(file, at) : undefined
    case 0x4: {
      const { start, length } = lengthAt(file, at, 1)
      // Not slice(): that of a Buffer shares its memory.
      return new Uint8Array(file.bytes.subarray(start, start + length))
    }
    default:
      return undefined
  }
}

function readInteger(file: BinaryFile, at: number): number | bigint | undefined {
  const size = 1 << ((file.bytes[at] ?? 0) & 0xf)
  const start = room(file, at + 1, size)
  if (size < 8) return unsigned(file, start, size)
  if (size > 16) return undefined
  const high = file.view.getBigInt64(start)
  return integerOf(size === 8 ? high : (high << 64n) | file.view.getBigUint64(start + 8))
}

function readDate(file: BinaryFile, at: number): Date | undefined {
  const time = EPOCH + file.view.getFloat64(room(file, at + 1, 8)) * 1000
  return Math.abs(time) <= MAX_DATE ? new Date(time) : undefined
}

/** ASCII, UTF-16 and UTF-8. */
function isText(marker: number): boolean {
  return marker >> 4 >= 0x5 && marker >> 4 <= 0x7
}

/** The text of a device's document may hold `NO_TEXT`. */
function readText(file: BinaryFile, at: number, marker: number): string {
  const isWide = marker >> 4 === 0x6
  const unit = isWide ? 2 : 1
  const { start, length } = lengthAt(file, at, unit)
  const bytes = file.bytes.subarray(start, start + length * unit)
  const text = decodeText(bytes, isWide ? 'utf-16be' : 'utf-8')
  if (file.reading === 'device') return marked(text)
  if (!text.isWellFormed()) throw new PlistError('text is not valid in its encoding', at)
  return text
}

function readArray(file: BinaryFile, at: number, depth: number): PlistValue[] {
  const { start, length } = lengthAt(file, at, file.refSize)
  const items: PlistValue[] = []
  for (let i = 0; i < length; i++) {
    const ref = unsigned(file, start + i * file.refSize, file.refSize)
    const item = readObject(file, ref, depth + 1)
    if (item !== undefined) items.push(item)
  }
  return items
}

function readDict(
  file: BinaryFile,
  at: number,
  depth: number,
  wanted?: ReadonlySet<string>,
): PlistDict {
  const dict: Record<string, PlistValue> = Object.create(null)
  eachEntry(file, at, (key, ref) => {
    if (depth === 1 && mustBeUnique(key) && key in dict) {
      throw new PlistError(`duplicate key ${key}`, at)
    }
    const value =
      wanted === undefined || wanted.has(key) ? readObject(file, ref, depth + 1) : undefined
    if (value !== undefined) dict[key] = value
  })
  return dict
}

function eachEntry(file: BinaryFile, at: number, visit: (key: string, ref: number) => void): void {
  const { start, length } = lengthAt(file, at, 2 * file.refSize)
  for (let i = 0; i < length; i++) {
    const keyAt = start + i * file.refSize
    visit(
      readKey(file, unsigned(file, keyAt, file.refSize)),
      unsigned(file, keyAt + length * file.refSize, file.refSize),
    )
  }
}

function readKey(file: BinaryFile, ref: number): string {
  const at = objectAt(file, ref)
  const key = isText(file.bytes[at] ?? 0) ? readObject(file, ref, 1) : undefined
  if (typeof key !== 'string') throw new PlistError('dictionary key is not a string', at)
  return key
}
