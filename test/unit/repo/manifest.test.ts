import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readPlist } from '../../../src/plist/read.ts'
import { writePlistText } from '../../../src/plist/write.ts'
import {
  CHUNK_BYTES,
  faultOfManifest,
  hashChunks,
  writeManifest,
} from '../../../src/repo/manifest.ts'

const URL = 'https://mdm.example.com/repo/a.pkg'

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) {
    yield bytes.subarray(at, at + length)
  }
}

const hex = (kind: string, bytes: Uint8Array): string =>
  createHash(kind).update(bytes).digest('hex')

describe('the hashes of a file', () => {
  it('are of each 10 MiB, and of the rest', async () => {
    const bytes = new Uint8Array(2 * CHUNK_BYTES + 5).map((_, at) => at % 251)
    const chunks = [0, 1, 2].map((at) => bytes.subarray(at * CHUNK_BYTES, (at + 1) * CHUNK_BYTES))
    expect(await hashChunks(pieces(bytes, 1_000_003))).toEqual({
      size: bytes.length,
      md5s: chunks.map((chunk) => hex('md5', chunk)),
      sha256s: chunks.map((chunk) => hex('sha256', chunk)),
    })
  })

  it('are one for exactly 10 MiB, and none for nothing', async () => {
    const whole = await hashChunks(pieces(new Uint8Array(CHUNK_BYTES), 65_536))
    expect(whole.md5s).toHaveLength(1)
    expect(await hashChunks(pieces(new Uint8Array(), 1))).toEqual({
      size: 0,
      md5s: [],
      sha256s: [],
    })
  })
})

describe('a manifest', () => {
  const hashes = { size: 3, md5s: ['a'.repeat(32)], sha256s: ['b'.repeat(64)] }

  it('has the package with its hashes, and no metadata where none is given', () => {
    const bytes = writeManifest(URL, hashes, {})
    expect(readPlist(bytes)).toEqual({
      items: [
        {
          assets: [
            {
              kind: 'software-package',
              url: URL,
              'md5-size': 3,
              md5s: hashes.md5s,
              'sha256-size': 3,
              sha256s: hashes.sha256s,
            },
          ],
        },
      ],
    })
    expect(faultOfManifest(new TextDecoder().decode(bytes))).toBeUndefined()
  })

  it('hashes 10 MiB at a time, and has the metadata that is given', () => {
    const facts = { bundleIdentifier: 'com.example.a', bundleVersion: '1', title: 'A' }
    const bytes = writeManifest(URL, { ...hashes, size: 30_000_000 }, facts)
    expect(readPlist(bytes)).toMatchObject({
      items: [
        {
          assets: [{ 'md5-size': CHUNK_BYTES, 'sha256-size': CHUNK_BYTES }],
          metadata: {
            'bundle-identifier': 'com.example.a',
            'bundle-version': '1',
            title: 'A',
            kind: 'software',
            sizeInBytes: 30_000_000,
          },
        },
      ],
    })
  })
})

describe('a text', () => {
  const withAsset = (asset: object): string =>
    writePlistText({ items: [{ assets: [{ kind: 'software-package', url: URL, ...asset }] }] })

  it('is a manifest as mdmctl writes it, and as people do', () => {
    expect(faultOfManifest(withAsset({ 'md5-size': 1, md5s: ['a'.repeat(32)] }))).toBeUndefined()
    expect(faultOfManifest(withAsset({}))).toBeUndefined()
  })

  it.each([
    ['', 'is no property list'],
    ['{"items":[]}', 'is no property list'],
    ['x'.repeat(1_000_001), 'longer than 1 MB'],
    [writePlistText([]), 'it has no items'],
    [writePlistText({ PayloadIdentifier: 'x' }), 'it has no items'],
    [writePlistText({ items: [] }), 'it has no items'],
    [writePlistText({ items: [{ assets: [] }] }), 'no asset of the kind software-package'],
    [writePlistText({ items: [{ metadata: {} }] }), 'no asset of the kind software-package'],
    [withAsset({ url: '/repo/a.pkg' }), 'no http or https URL'],
    [withAsset({ url: 'https://' }), 'no http or https URL'],
    [withAsset({ md5s: 'x' }), 'md5s of its package'],
    [withAsset({ sha256s: ['x'] }), 'sha256s of its package'],
  ])('is none: %j', (text, fault) => {
    expect(faultOfManifest(text)).toContain(fault)
  })
})
