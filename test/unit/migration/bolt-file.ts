/** Writes files in bolt's format, version 2, as github.com/boltdb/bolt does. */

export type BoltBytes = string | Uint8Array

export interface BoltContent {
  readonly entries?: Iterable<readonly [key: BoltBytes, value: BoltBytes]>
  readonly buckets?: Readonly<Record<string, BoltContent>>
}

export interface BoltLayout {
  /** A power of two from 1024 on. */
  readonly pageSize?: number
  /** The most elements of a page: two make the deepest trees. */
  readonly perPage?: number
  /** Each so-many-th page is left free, and filled with what was in it before. */
  readonly freeEach?: number
  /** Whether the list of free pages is stored, as bolt does by default. */
  readonly hasFreelist?: boolean
  readonly transaction?: bigint
}

export interface BoltPage {
  readonly id: number
  readonly kind: 'branch' | 'leaf' | 'freelist'
  readonly overflow: number
  readonly level: number
}

export interface BoltImage {
  readonly bytes: Buffer
  readonly pageSize: number
  readonly pages: readonly BoltPage[]
  readonly free: readonly number[]
  readonly root: number
}

/** An element of a page: its 16 bytes before `at` is known, and its data. */
interface Element {
  readonly key: Buffer
  readonly value: Buffer
  readonly header: (position: number) => Buffer
}

interface Writing {
  readonly pageSize: number
  readonly perPage: number
  readonly freeEach: number
  readonly chunks: Buffer[]
  readonly pages: BoltPage[]
  readonly free: number[]
  next: number
}

const KINDS = { branch: 1, leaf: 2, meta: 4, freelist: 0x10 } as const
const HEADER = 16
const ELEMENT = 16
const NO_FREELIST = 0xffff_ffff_ffff_ffffn

export function writeBoltImage(content: BoltContent, layout: BoltLayout = {}): BoltImage {
  const { pageSize = 4096, perPage = 0xfffe, freeEach = 0, transaction = 7n } = layout
  const writing: Writing = {
    pageSize,
    perPage,
    freeEach,
    chunks: [],
    pages: [],
    free: [],
    next: 2,
  }
  const root = writeTree(writing, elementsOf(writing, content))
  const freelist = layout.hasFreelist === false ? undefined : writeFreelist(writing)
  const meta = { pageSize, root, freelist, pages: writing.next }
  const newest = Number(transaction % 2n)
  const metas = [0, 1].map((id) =>
    metaPage(id, { ...meta, transaction: id === newest ? transaction : transaction - 1n }),
  )
  const { pages, free } = writing
  return { bytes: Buffer.concat([...metas, ...writing.chunks]), pageSize, pages, free, root }
}

export function writeBolt(content: BoltContent, layout?: BoltLayout): Buffer {
  return writeBoltImage(content, layout).bytes
}

function elementsOf(writing: Writing, { entries = [], buckets = {} }: BoltContent): Element[] {
  const values = Array.from(entries, ([key, value]) => leafElement(bytesOf(key), bytesOf(value), 0))
  const inner = Object.entries(buckets).map(([name, bucket]) =>
    leafElement(Buffer.from(name, 'latin1'), bucketValue(writing, bucket), 1),
  )
  return [...values, ...inner].toSorted((one, other) => Buffer.compare(one.key, other.key))
}

/** A small bucket without others in it is written inside the element that names it. */
function bucketValue(writing: Writing, content: BoltContent): Buffer {
  const elements = elementsOf(writing, content)
  const isSmall = sizeOf(elements) <= writing.pageSize / 4
  if (isSmall && Object.keys(content.buckets ?? {}).length === 0) {
    return Buffer.concat([bucketHeader(0), encodePage('leaf', 0, elements, 0)])
  }
  return bucketHeader(writeTree(writing, elements))
}

/** Root, and the sequence, which MicroMDM does not use. */
function bucketHeader(root: number): Buffer {
  const header = Buffer.alloc(16)
  header.writeBigUInt64LE(BigInt(root))
  return header
}

/** Writes the pages of a bucket, leaves first. @returns its root */
function writeTree(writing: Writing, elements: readonly Element[]): number {
  let level = 0
  let above = writePages(writing, 'leaf', elements, level)
  while (above.length > 1) {
    level += 1
    above = writePages(writing, 'branch', above, level)
  }
  return above[0]?.id ?? 0
}

function writePages(
  writing: Writing,
  kind: 'branch' | 'leaf',
  elements: readonly Element[],
  level: number,
): (Element & { readonly id: number })[] {
  return split(writing, elements).map((part) => {
    const id = writePage(writing, kind, level, sizeOf(part), (at) =>
      encodePage(kind, at, part, writing.pageSize),
    )
    const key = part[0]?.key ?? Buffer.alloc(0)
    return { ...branchElement(key, id), id }
  })
}

/** Pages of at most `perPage` elements, full to 9/10. An element that is longer has a page with overflow. */
function split({ pageSize, perPage }: Writing, elements: readonly Element[]): Element[][] {
  const parts: Element[][] = [[]]
  let size = HEADER
  for (const element of elements) {
    const part = parts.at(-1)
    const more = ELEMENT + element.key.length + element.value.length
    if (part && (part.length === 0 || (part.length < perPage && size + more <= pageSize * 0.9))) {
      part.push(element)
      size += more
    } else {
      parts.push([element])
      size = HEADER + more
    }
  }
  return parts
}

function writePage(
  writing: Writing,
  kind: BoltPage['kind'],
  level: number,
  size: number,
  encode: (id: number) => Buffer,
): number {
  const { pageSize, freeEach } = writing
  if (freeEach > 0 && writing.next % freeEach === 0) {
    writing.chunks.push(encodePage('leaf', writing.next, [leafElement(OLD, OLD, 0)], pageSize))
    writing.free.push(writing.next)
    writing.next += 1
  }
  const id = writing.next
  const overflow = Math.ceil(size / pageSize) - 1
  writing.chunks.push(encode(id))
  writing.pages.push({ id, kind, overflow, level })
  writing.next += overflow + 1
  return id
}

const OLD = Buffer.from('what was here before')

function writeFreelist(writing: Writing): number {
  const { free, pageSize } = writing
  const isLong = free.length >= 0xffff
  const size = HEADER + (free.length + Number(isLong)) * 8
  return writePage({ ...writing, freeEach: 0, free: [] }, 'freelist', 0, size, (id) => {
    writing.next = id + Math.ceil(size / pageSize)
    const page = Buffer.alloc(Math.ceil(size / pageSize) * pageSize)
    writeHeader(page, id, 'freelist', isLong ? 0xffff : free.length, pageSize)
    const ids = isLong ? [free.length, ...free] : free
    ids.forEach((one, n) => page.writeBigUInt64LE(BigInt(one), HEADER + n * 8))
    return page
  })
}

function leafElement(key: Buffer, value: Buffer, flags: number): Element {
  return {
    key,
    value,
    header: (position) => words(flags, position, key.length, value.length),
  }
}

function branchElement(key: Buffer, page: number): Element {
  return {
    key,
    value: Buffer.alloc(0),
    header: (position) => words(position, key.length, page, 0),
  }
}

function words(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4)
  numbers.forEach((number, n) => bytes.writeUInt32LE(number, n * 4))
  return bytes
}

/** @param pageSize 0 for an inline page, which ends where its data ends */
function encodePage(
  kind: 'branch' | 'leaf',
  id: number,
  elements: readonly Element[],
  pageSize: number,
): Buffer {
  const size = sizeOf(elements)
  const page = Buffer.alloc(pageSize === 0 ? size : Math.ceil(size / pageSize) * pageSize)
  writeHeader(page, id, kind, elements.length, pageSize)
  let data = HEADER + elements.length * ELEMENT
  elements.forEach(({ key, value, header }, n) => {
    const at = HEADER + n * ELEMENT
    header(data - at).copy(page, at)
    key.copy(page, data)
    value.copy(page, data + key.length)
    data += key.length + value.length
  })
  return page
}

function sizeOf(elements: readonly Element[]): number {
  return elements.reduce((sum, { key, value }) => sum + ELEMENT + key.length + value.length, HEADER)
}

function writeHeader(
  page: Buffer,
  id: number,
  kind: keyof typeof KINDS,
  count: number,
  pageSize: number,
): void {
  page.writeBigUInt64LE(BigInt(id))
  page.writeUInt16LE(KINDS[kind], 8)
  page.writeUInt16LE(count, 10)
  page.writeUInt32LE(pageSize === 0 ? 0 : page.length / pageSize - 1, 12)
}

export interface BoltMeta {
  readonly pageSize: number
  readonly root: number
  readonly freelist: number | undefined
  readonly pages: number
  readonly transaction: bigint
  readonly version?: number
}

/** One of the first two pages, with its checksum. */
export function metaPage(id: number, meta: BoltMeta): Buffer {
  const page = Buffer.alloc(meta.pageSize)
  writeHeader(page, id, 'meta', 0, meta.pageSize)
  words(0xed0cdaed, meta.version ?? 2, meta.pageSize, 0).copy(page, 16)
  const { root, freelist, pages, transaction } = meta
  const free = freelist === undefined ? NO_FREELIST : BigInt(freelist)
  const numbers = [BigInt(root), 0n, free, BigInt(pages), transaction]
  numbers.forEach((number, n) => page.writeBigUInt64LE(number, 32 + n * 8))
  page.writeBigUInt64LE(fnv1a(page.subarray(16, 72)), 72)
  return page
}

function fnv1a(bytes: Uint8Array): bigint {
  let hash = 14_695_981_039_346_656_037n
  for (const byte of bytes) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 1_099_511_628_211n)
  }
  return hash
}

function bytesOf(bytes: BoltBytes): Buffer {
  return Buffer.from(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
}
