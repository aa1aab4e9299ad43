import { damaged } from '../fault.ts'
import { dataViewOf, PAGE_HEADER, readPageId } from './header.ts'

/** A page with its overflow, or the inline page of a small bucket: `bytes` from its header on. */
export interface BoltPage {
  /** For the texts of faults. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly kind: 'branch' | 'leaf' | 'freelist'
  readonly count: number
  /** It ends with its last element. */
  readonly isInline: boolean
}

export interface BranchElement {
  /** No key of the page below is less. */
  readonly key: Uint8Array
  readonly page: number
}

export interface LeafElement {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly isBucket: boolean
}

const KINDS: Readonly<Record<number, BoltPage['kind']>> = {
  1: 'branch',
  2: 'leaf',
  0x10: 'freelist',
}
const ELEMENT = 16
const BUCKET_FLAG = 1
/** A count of 16 bits that stands for one of 64 bits in the first place of the list. */
const COUNTED_INSIDE = 0xffff

/** @throws FileFault when the page is of none of the three kinds */
export function openPage(name: string, bytes: Uint8Array, isInline = false): BoltPage {
  if (bytes.length < PAGE_HEADER) {
    throw damaged(`${name} is too short`)
  }
  const view = dataViewOf(bytes)
  const kind = KINDS[view.getUint16(8, true)]
  if (kind === undefined) {
    throw damaged(`${name} is of no kind`)
  }
  return { name, bytes, kind, count: view.getUint16(10, true), isInline }
}

/** @throws FileFault */
export function branchElements(page: BoltPage): BranchElement[] {
  if (page.count === 0) {
    throw damaged(`${page.name} leads nowhere`)
  }
  return elementsOf(page, 0, (view, at) => ({
    sizes: [view.getUint32(at + 4, true), 0],
    make: (key) => ({ key, page: readPageId(view, at + 8) }),
  }))
}

/** @throws FileFault */
export function leafElements(page: BoltPage): LeafElement[] {
  return elementsOf(page, 4, (view, at) => {
    const flags = view.getUint32(at, true)
    if (flags > BUCKET_FLAG) {
      throw damaged(`${page.name} has an element of no kind`)
    }
    return {
      sizes: [view.getUint32(at + 8, true), view.getUint32(at + 12, true)],
      make: (key, value) => ({ key, value, isBucket: flags === BUCKET_FLAG }),
    }
  })
}

interface ElementHeader<E> {
  readonly sizes: readonly [key: number, value: number]
  readonly make: (key: Uint8Array, value: Uint8Array) => E
}

/**
 * The elements of a page. Bolt writes their keys and values one after another, from the end of the element
 * headers on (github.com/boltdb/bolt, node.go). So no byte belongs to two values, and the values together are
 * no longer than the file.
 */
function elementsOf<E>(
  { name, bytes, count, isInline }: BoltPage,
  positionAt: number,
  header: (view: DataView, at: number) => ElementHeader<E>,
): E[] {
  const view = dataViewOf(bytes)
  const elements: E[] = []
  let data = PAGE_HEADER + count * ELEMENT
  if (data > bytes.length) {
    throw damaged(`${name} has more elements than bytes`)
  }
  for (let n = 0; n < count; n++) {
    const at = PAGE_HEADER + n * ELEMENT
    const {
      sizes: [keySize, valueSize],
      make,
    } = header(view, at)
    const value = data + keySize
    const end = value + valueSize
    if (
      keySize === 0 ||
      at + view.getUint32(at + positionAt, true) !== data ||
      end > bytes.length
    ) {
      throw damaged(`an element of ${name} is out of place`)
    }
    elements.push(make(bytes.subarray(data, value), bytes.subarray(value, end)))
    data = end
  }
  if (isInline && data !== bytes.length) {
    throw damaged(`${name} does not end with its last element`)
  }
  return elements
}

/** The ids in a page of free pages. @throws FileFault */
export function freeIds({ name, bytes, kind, count }: BoltPage): number[] {
  const view = dataViewOf(bytes)
  const isCountedInside = count === COUNTED_INSIDE
  const first = PAGE_HEADER + (isCountedInside ? 8 : 0)
  const ids = isCountedInside && first <= bytes.length ? readPageId(view, PAGE_HEADER) : count
  if (kind !== 'freelist' || first + ids * 8 > bytes.length) {
    throw damaged(`${name} is no list of free pages`)
  }
  return Array.from({ length: ids }, (_, n) => readPageId(view, first + n * 8))
}
