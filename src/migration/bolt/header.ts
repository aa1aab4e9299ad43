import { FETCH_A_COPY, FileFault, type FileFaultCode } from '../fault.ts'
import { foreignKind } from './foreign.ts'

/** A meta page: the state of a database after one transaction. */
export interface Meta {
  readonly pageSize: number
  /** Page of the root bucket. */
  readonly root: number
  /** Page of the list of free pages; `undefined` where bolt was told not to store it (NoFreelistSync). */
  readonly freelist: number | undefined
  /** Pages from here on were never used. */
  readonly pages: number
  readonly transaction: bigint
}

export interface Header {
  readonly meta: Meta
  /** One of the two meta pages is broken: the state may be that of one transaction before the last. */
  readonly isDamaged: boolean
}

const MAGIC = 0xed0cdaed
const VERSION = 2
/** Bytes of the header that each page begins with. */
export const PAGE_HEADER = 16
const META_BYTES = 64
const CHECKSUM_AT = 56
/** That of the operating system: 4 KiB mostly, 16 KiB on Apple's processors, 64 KiB on some ARM and POWER. */
const PAGE_SIZES = [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536]
const NO_FREELIST = 0xffff_ffff_ffff_ffffn

const FNV_OFFSET = 0xcbf2_9ce4_8422_2325n
const FNV_PRIME = 0x100_0000_01b3n

/** The texts of faults of both meta pages; `foreign` is worded by the file. */
const TEXTS: Readonly<Partial<Record<FileFaultCode, string>>> = {
  truncated: `The file ends within its header: ${FETCH_A_COPY}`,
  version:
    'The file has another version of bolt’s format than 2, which MicroMDM writes: ' +
    'check that this is MicroMDM’s micromdm.db',
  big_endian:
    'The file was written on a big-endian computer, and bolt’s files cannot be read on others: ' +
    'move the devices by a new enrolment',
  page_size:
    `The file’s page size is none of ${PAGE_SIZES.join(', ')} bytes: ` +
    'check that this is MicroMDM’s micromdm.db',
  header: `Both headers of the file have a wrong checksum: ${FETCH_A_COPY}`,
}

/**
 * Reads the newer of the two meta pages that a bolt file begins with (github.com/etcd-io/bbolt,
 * internal/common/meta.go). Each has a checksum. Bolt writes them in turn, so that one is valid if a write is
 * cut off.
 *
 * @throws FileFault
 */
export function readHeader(bytes: Uint8Array): Header {
  if (bytes.length === 0) {
    throw new FileFault('empty', `The file is empty: ${FETCH_A_COPY}`)
  }
  const first = metaAt(bytes, 0)
  const size = typeof first === 'object' ? first.pageSize : undefined
  const second = (size === undefined ? PAGE_SIZES : [size]).map((at) => metaAt(bytes, at, at))
  const metas = [first, ...second].filter((meta) => typeof meta === 'object')
  const newest = metas.toSorted((one, other) => (one.transaction < other.transaction ? 1 : -1))[0]
  if (newest === undefined) {
    throw faultOf(bytes, [first, ...second])
  }
  if (bytes.length < newest.pages * newest.pageSize) {
    throw new FileFault(
      'truncated',
      `The file has ${bytes.length} bytes, and its header says ${newest.pages * newest.pageSize}: ` +
        FETCH_A_COPY,
    )
  }
  return { meta: newest, isDamaged: metas.length === 1 }
}

function faultOf(
  bytes: Uint8Array,
  readings: readonly (Meta | FileFaultCode | undefined)[],
): FileFault {
  const code = readings.find((reading) => typeof reading === 'string') ?? 'foreign'
  return new FileFault(code, TEXTS[code] ?? foreignKind(bytes))
}

/** The meta page at an offset, or what is wrong with it; `undefined` where none begins. */
function metaAt(bytes: Uint8Array, page: number, size?: number): Meta | FileFaultCode | undefined {
  const at = page + PAGE_HEADER
  if (at + META_BYTES > bytes.length) {
    return magicAt(bytes, at) === undefined ? undefined : 'truncated'
  }
  const endian = magicAt(bytes, at)
  if (endian !== 'little') {
    return endian === 'big' ? 'big_endian' : undefined
  }
  const view = dataViewOf(bytes)
  if (view.getUint32(at + 4, true) !== VERSION) {
    return 'version'
  }
  if (
    view.getBigUint64(at + CHECKSUM_AT, true) !== checksum(bytes.subarray(at, at + CHECKSUM_AT))
  ) {
    return 'header'
  }
  const pageSize = view.getUint32(at + 8, true)
  if (!PAGE_SIZES.includes(pageSize) || pageSize !== (size ?? pageSize)) {
    return 'page_size'
  }
  return {
    pageSize,
    root: readPageId(view, at + 16),
    freelist:
      view.getBigUint64(at + 32, true) === NO_FREELIST ? undefined : readPageId(view, at + 32),
    pages: readPageId(view, at + 40),
    transaction: view.getBigUint64(at + 48, true),
  }
}

function magicAt(bytes: Uint8Array, at: number): 'little' | 'big' | undefined {
  if (at + 4 > bytes.length) {
    return undefined
  }
  const view = dataViewOf(bytes)
  if (view.getUint32(at, true) === MAGIC) {
    return 'little'
  }
  return view.getUint32(at, false) === MAGIC ? 'big' : undefined
}

/** FNV-1a with 64 bits. */
function checksum(bytes: Uint8Array): bigint {
  return bytes.reduce(
    (hash, byte) => BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME),
    FNV_OFFSET,
  )
}

/** The number of a page, 64 bits. Those beyond 2^53 are rounded: no file is that long. */
export function readPageId(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true)
}

export function dataViewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
