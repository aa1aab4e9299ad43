import { Buffer } from 'node:buffer'

const UNPACK = 'unpack it, and name the file in it'

/** How files begin that an admin may name instead, and what to do about each. */
const BEGINNINGS: readonly (readonly [beginning: string, advice: string])[] = [
  ['SQLite format 3\0', 'This is an SQLite database, not MicroMDM’s micromdm.db'],
  ['\x1f\x8b', `This is a gzip archive: ${UNPACK}`],
  ['\x28\xb5\x2f\xfd', `This is a Zstandard archive: ${UNPACK}`],
  ['PK\x03\x04', `This is a zip archive: ${UNPACK}`],
  ['BZh', `This is a bzip2 archive: ${UNPACK}`],
  ['\xfd7zXZ\0', `This is an xz archive: ${UNPACK}`],
  ['<', 'This is an HTML or XML page, an error page perhaps: open it, and check the URL'],
  ['{', 'This is JSON, an error of the API perhaps: open it, and check the URL'],
  ['[', 'This is JSON, an error of the API perhaps: open it, and check the URL'],
  ['Authorization Required', 'MicroMDM refused the API key: check it, and fetch the file again'],
  ['404 page not found', 'MicroMDM answered 404: check the URL, and that it runs with -api-key'],
]
/** The longest beginning, and white space before it. */
const LOOKED_AT = 64

/** What a file is that does not begin as bolt's files do, and what to do. One sentence. */
export function foreignKind(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, LOOKED_AT)).toString('latin1')
  const text = start.replace(/^(?:\xef\xbb\xbf)?\s+/, '')
  const known = BEGINNINGS.find(([one]) => start.startsWith(one) || text.startsWith(one))
  return (
    known?.[1] ??
    'This is no bolt database: name MicroMDM’s micromdm.db, or what GET /boltbackup answered'
  )
}
