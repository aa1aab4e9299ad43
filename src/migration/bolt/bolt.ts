/**
 * Reads bolt's file format, version 2 (github.com/boltdb/bolt and github.com/etcd-io/bbolt, internal/common).
 * Keys and values are views of the file, not copies.
 */
import { Buffer } from 'node:buffer'
import { damaged } from '../fault.ts'
import { dataViewOf, type Meta, readHeader, readPageId } from './header.ts'
import { type BoltPage, branchElements, freeIds, leafElements, openPage } from './page.ts'

export interface BoltFile {
  /** Names of buckets are bytes, and this is their Latin-1. */
  readonly root: BoltBucket
  /** One of its two headers is broken: the state may be that of one transaction before the last. */
  readonly isHeaderDamaged: boolean
  /** Pages that are neither used nor free. A sound file has none; one that was copied during a write has. */
  readonly lostPages: number
}

export interface BoltBucket {
  /** In the order of their keys, of which no two are the same. */
  readonly entries: readonly BoltEntry[]
  readonly buckets: ReadonlyMap<string, BoltBucket>
}

export interface BoltEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** The pages of a file, and what each was found to be: 0 unknown, or one of the two marks. */
interface Pages {
  readonly bytes: Uint8Array
  readonly meta: Meta
  readonly marks: Uint8Array
}

const FREE = 1
const USED = 2
/** The first two pages are the headers. */
const FIRST_PAGE = 2
/** Levels of branches and buckets together. A page has two elements at least, so real files have a few. */
const MAX_LEVELS = 64
const BUCKET_HEADER = 16

/**
 * Reads a whole file. Each page is reached at most once, is none of the free ones, and lies within the file;
 * keys are in order over the whole of a bucket. Damage within a value cannot be seen: data pages have no
 * checksum.
 *
 * @throws FileFault and nothing else, for any bytes
 */
export function readBolt(bytes: Uint8Array): BoltFile {
  const { meta, isDamaged } = readHeader(bytes)
  const pages: Pages = { bytes, meta, marks: new Uint8Array(meta.pages) }
  if (meta.freelist !== undefined) {
    for (const id of freeIds(takePage(pages, meta.freelist))) {
      if (id < FIRST_PAGE || id >= meta.pages || pages.marks[id] === USED) {
        throw damaged(`page ${id} cannot be free`)
      }
      pages.marks[id] = FREE
    }
  }
  const root = readBucket(pages, meta.root, 0)
  if (root.entries.length > 0) {
    throw damaged('a value lies outside of all buckets')
  }
  const unknown = pages.marks.subarray(FIRST_PAGE).filter((mark) => mark === 0).length
  return {
    root,
    isHeaderDamaged: isDamaged,
    lostPages: meta.freelist === undefined ? 0 : unknown,
  }
}

/** The page with an id and its overflow. @throws FileFault when it is not within the file, free, or taken */
function takePage({ bytes, meta, marks }: Pages, id: number): BoltPage {
  const name = `page ${id}`
  if (id < FIRST_PAGE || id >= meta.pages) {
    throw damaged(`${name} is not in the file`)
  }
  const at = id * meta.pageSize
  const view = dataViewOf(bytes)
  const end = id + view.getUint32(at + 12, true) + 1
  if (readPageId(view, at) !== id || end > meta.pages) {
    throw damaged(`${name} is another one`)
  }
  if (marks.subarray(id, end).some((mark) => mark !== 0)) {
    throw damaged(`${name} is free, or is used twice`)
  }
  marks.fill(USED, id, end)
  return openPage(name, bytes.subarray(at, end * meta.pageSize))
}

/** A bucket while it is read: its keys come in order. */
interface Reading {
  readonly pages: Pages
  readonly entries: BoltEntry[]
  readonly buckets: Map<string, BoltBucket>
  last: Uint8Array | undefined
}

function readBucket(pages: Pages, root: number, level: number, inline?: Uint8Array): BoltBucket {
  const reading: Reading = { pages, entries: [], buckets: new Map(), last: undefined }
  const page =
    inline === undefined ? takePage(pages, root) : openPage('an inline page', inline, true)
  // Bolt writes a small bucket inline, and an empty one is small.
  if (inline === undefined ? page.count === 0 && level > 0 : page.kind !== 'leaf') {
    throw damaged(`${page.name} is no root of a bucket`)
  }
  readTree(reading, page, undefined, level)
  return { entries: reading.entries, buckets: reading.buckets }
}

/** Reads the part of a bucket at and below a page; `low` is the key that leads to it. */
function readTree(
  reading: Reading,
  page: BoltPage,
  low: Uint8Array | undefined,
  level: number,
): void {
  if (level > MAX_LEVELS) {
    throw damaged('its tree is too deep')
  }
  if (page.kind === 'leaf') {
    readLeaf(reading, page, low, level)
    return
  }
  if (page.kind !== 'branch') {
    throw damaged(`${page.name} holds no data`)
  }
  for (const { key, page: id } of branchElements(page)) {
    checkOrder(reading, page, low, key)
    readTree(reading, takePage(reading.pages, id), key, level + 1)
  }
}

function readLeaf(
  reading: Reading,
  page: BoltPage,
  low: Uint8Array | undefined,
  level: number,
): void {
  if (page.count === 0 && low !== undefined) {
    throw damaged(`${page.name} is empty`)
  }
  for (const { key, value, isBucket } of leafElements(page)) {
    checkOrder(reading, page, low, key)
    reading.last = key
    if (isBucket) {
      const name = Buffer.from(key).toString('latin1')
      reading.buckets.set(name, readNested(reading.pages, page, value, level))
    } else {
      reading.entries.push({ key, value })
    }
  }
}

/** A bucket inside another one: the number of its page, or, behind the number 0, its only page itself. */
function readNested(pages: Pages, page: BoltPage, value: Uint8Array, level: number): BoltBucket {
  if (value.length < BUCKET_HEADER) {
    throw damaged(`a bucket in ${page.name} is too short`)
  }
  const root = readPageId(dataViewOf(value), 0)
  return readBucket(pages, root, level + 1, root === 0 ? value.subarray(BUCKET_HEADER) : undefined)
}

/** A key is greater than all before it, and not less than the one that leads to its page. */
function checkOrder(
  { last }: Reading,
  { name }: BoltPage,
  low: Uint8Array | undefined,
  key: Uint8Array,
): void {
  const isAboveLast = last === undefined || Buffer.compare(key, last) > 0
  if (!isAboveLast || (low !== undefined && Buffer.compare(key, low) < 0)) {
    throw damaged(`the keys of ${name} are not in order`)
  }
}
