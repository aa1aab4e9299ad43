import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { readBolt } from '../../../../src/migration/bolt/bolt.ts'
import { metaPage, writeBolt } from '../bolt-file.ts'

const BOLT = writeBolt({ buckets: { a: { entries: [['k', 'v']] } } })
const META = { pageSize: 4096, root: 2, freelist: 3, pages: 4, transaction: 4n }

/** A file with two headers of this kind. */
function withHeaders(...headers: readonly Buffer[]): Buffer {
  return Buffer.concat([...headers, BOLT.subarray(8192)])
}

/** Each number of the header in the other byte order. */
function bigEndian(page: Buffer): Buffer {
  const bytes = Buffer.from(page)
  bytes.subarray(16, 32).swap32()
  bytes.subarray(32, 80).swap64()
  return bytes
}

function newer(id: number): Buffer {
  return metaPage(id, { ...META, version: 3 })
}

function withBrokenChecksum(id: number): Buffer {
  const page = metaPage(id, META)
  page[72] = (page[72] ?? 0) ^ 1
  return page
}

it.each<[string, Uint8Array, string, RegExp]>([
  ['an empty file', Buffer.alloc(0), 'empty', /boltbackup/],
  ['SQLite', Buffer.from('SQLite format 3\0…'), 'foreign', /SQLite database/],
  ['gzip', gzipSync(BOLT), 'foreign', /gzip archive: unpack it/],
  ['zip', Buffer.from('PK\x03\x04…'), 'foreign', /zip archive/],
  [
    'an error page',
    Buffer.from('\n <!doctype html>'),
    'foreign',
    /HTML or XML page.*check the URL/,
  ],
  ['an error of the API', Buffer.from('{"error": "Unauthorized"}'), 'foreign', /This is JSON/],
  ['a refused key', Buffer.from('Authorization Required\n'), 'foreign', /refused the API key/],
  ['no API', Buffer.from('404 page not found\n'), 'foreign', /-api-key/],
  ['zeros', Buffer.alloc(100_000), 'foreign', /no bolt database/],
  ['any bytes', Buffer.from('f'.repeat(9000)), 'foreign', /no bolt database/],
  ['the first bytes of a file', BOLT.subarray(0, 40), 'truncated', /ends within its header/],
  ['the first page of a file', BOLT.subarray(0, 4096), 'truncated', /its header says \d+/],
  ['a file without its last byte', BOLT.subarray(0, -1), 'truncated', /boltbackup/],
  ['a newer format', withHeaders(newer(0), newer(1)), 'version', /another version/],
  [
    'a big-endian computer',
    withHeaders(bigEndian(metaPage(0, META)), bigEndian(metaPage(1, META))),
    'big_endian',
    /big-endian/,
  ],
  [
    'an odd page size',
    withHeaders(metaPage(0, { ...META, pageSize: 5000 }), metaPage(1, { ...META, pageSize: 5000 })),
    'page_size',
    /page size is none of 1024/,
  ],
  [
    'two broken headers',
    withHeaders(withBrokenChecksum(0), withBrokenChecksum(1)),
    'header',
    /wrong checksum.*boltbackup/,
  ],
])('%s is refused, and the text says what to do', (_, bytes, code, text) => {
  expect(() => readBolt(bytes)).toThrow(expect.objectContaining({ code }))
  expect(() => readBolt(bytes)).toThrow(text)
})
