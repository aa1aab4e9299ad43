/** App manifests: the property list that tells a device where a package is, and what its bytes are. */
import { createHash } from 'node:crypto'
import { dictsIn, isArray, isDict, textAt } from '../plist/dict.ts'
import { PlistError } from '../plist/error.ts'
import { readPlist } from '../plist/read.ts'
import type { PlistDict, PlistValue } from '../plist/value.ts'
import { writePlist } from '../plist/write.ts'

/** Devices check so many bytes at a time. MicroMDM's client has the same length. */
export const CHUNK_BYTES = 10 * 1024 * 1024
/** A manifest has a few kilobytes; one of a 5 GB package has 60. */
export const MAX_MANIFEST_BYTES = 1_000_000

/** The hashes of a file's chunks, in hex. */
export interface ChunkHashes {
  readonly size: number
  readonly md5s: readonly string[]
  readonly sha256s: readonly string[]
}

/** What a manifest says of an app beside its bytes. */
export interface AppFacts {
  readonly bundleIdentifier?: string | undefined
  readonly bundleVersion?: string | undefined
  readonly title?: string | undefined
  readonly subtitle?: string | undefined
}

/** Hashes a file while it is read: no chunk is in memory as a whole. */
export async function hashChunks(bytes: AsyncIterable<Uint8Array>): Promise<ChunkHashes> {
  const [md5s, sha256s]: [string[], string[]] = [[], []]
  let [md5, sha256] = [createHash('md5'), createHash('sha256')]
  let size = 0
  let inChunk = 0
  const endChunk = (): void => {
    md5s.push(md5.digest('hex'))
    sha256s.push(sha256.digest('hex'))
    ;[md5, sha256] = [createHash('md5'), createHash('sha256')]
    inChunk = 0
  }
  for await (let rest of bytes) {
    size += rest.length
    while (rest.length > 0) {
      const taken = rest.subarray(0, CHUNK_BYTES - inChunk)
      md5.update(taken)
      sha256.update(taken)
      inChunk += taken.length
      rest = rest.subarray(taken.length)
      if (inChunk === CHUNK_BYTES) {
        endChunk()
      }
    }
  }
  if (inChunk > 0) {
    endChunk()
  }
  return { size, md5s, sha256s }
}

/** A manifest of one package (Apple, "ManifestURL"). */
export function writeManifest(url: string, hashes: ChunkHashes, facts: AppFacts): Uint8Array {
  const { size, md5s, sha256s } = hashes
  const hashed = Math.min(size, CHUNK_BYTES)
  const asset = {
    kind: 'software-package',
    url,
    'md5-size': hashed,
    md5s,
    'sha256-size': hashed,
    sha256s,
  }
  const metadata = metadataOf(facts, size)
  return writePlist({ items: [{ assets: [asset], ...(metadata && { metadata }) }] })
}

function metadataOf(facts: AppFacts, size: number): PlistDict | undefined {
  const given = Object.entries({
    'bundle-identifier': facts.bundleIdentifier,
    'bundle-version': facts.bundleVersion,
    title: facts.title,
    subtitle: facts.subtitle,
  }).flatMap(([key, value]): [string, PlistValue][] => (value === undefined ? [] : [[key, value]]))
  return given.length === 0
    ? undefined
    : { ...Object.fromEntries(given), kind: 'software', sizeInBytes: size }
}

/** Why a text is no app manifest, as a sentence without a subject; `undefined` if it is one. */
export function faultOfManifest(text: string): string | undefined {
  if (text.length > MAX_MANIFEST_BYTES) {
    return 'is longer than 1 MB'
  }
  try {
    return faultOfItems(readPlist(new TextEncoder().encode(text)))
  } catch (error) {
    if (error instanceof PlistError) {
      return `is no property list: ${error.message}`
    }
    throw error
  }
}

function faultOfItems(manifest: PlistValue): string | undefined {
  const items = isDict(manifest) ? dictsIn(manifest['items']) : []
  if (items.length === 0) {
    return 'is no app manifest: it has no items'
  }
  const packages = items.map(({ assets }) =>
    dictsIn(assets).find((asset) => textAt(asset, 'kind') === 'software-package'),
  )
  for (const asset of packages) {
    const fault = asset ? faultOfAsset(asset) : 'an item has no asset of the kind software-package'
    if (fault !== undefined) {
      return `is no app manifest: ${fault}`
    }
  }
  return undefined
}

function faultOfAsset(asset: PlistDict): string | undefined {
  if (!/^https?:\/\/[^/\s]/i.test(textAt(asset, 'url'))) {
    return 'the url of its package is no http or https URL'
  }
  const wrong = ['md5s', 'sha256s'].find((key) => asset[key] !== undefined && !isHashes(asset[key]))
  return wrong === undefined ? undefined : `${wrong} of its package is no list of hashes`
}

function isHashes(value: PlistValue | undefined): boolean {
  return (
    value !== undefined &&
    isArray(value) &&
    value.every((hash) => typeof hash === 'string' && /^[\da-f]{32}([\da-f]{32})?$/i.test(hash))
  )
}
