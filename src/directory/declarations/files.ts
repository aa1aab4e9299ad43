/** The only SQL on `declaration_files` and `declaration_file_parts`. */
import { Buffer } from 'node:buffer'
import { expandFiles, FILE_KEYS, filesIn, type Expanded, type FileFacts } from '../../ddm/files.ts'
import type { Sealer } from '../../pki/seal/seal.ts'
import { among, readAll, readOne, type Sql, sql, write, writeAll } from '../sql.ts'
import { KEEP_FOR } from './edit.ts'

/** A file as its row has it. Times are milliseconds. */
export interface FileRow extends FileFacts {
  readonly name: string
  readonly changedAt: number
}

/** A file to store. */
export interface NewFile extends FileFacts {
  readonly name: string
  readonly bytes: Uint8Array
}

/** A row of D1 has 2 MB at most, and base64 is a third longer than its bytes. */
const PART_BYTES = 1_000_000

const ROW = sql`SELECT name, sha256, size, content_type AS contentType, profile, changed_at AS changedAt
  FROM declaration_files WHERE replaced_at = 0`

/**
 * Stores a file in place of one with its name. The name moves on after all parts, so it never leads to half
 * of a content. Until then its row says that it has moved on, which keeps the parts.
 * @returns the file that had the name; `undefined` if there was none
 */
export async function storeFile(
  d1: D1Database,
  sealer: Sealer,
  { name, sha256, size, contentType, profile, bytes }: NewFile,
  now: number,
): Promise<FileRow | undefined> {
  const before = await readFile(d1, name)
  if (
    before?.sha256 === sha256 &&
    before.contentType === contentType &&
    before.profile === profile
  ) {
    return before
  }
  await write(
    d1,
    sql`INSERT INTO declaration_files (name, sha256, content_type, size, changed_at, replaced_at)
      VALUES (${name}, ${sha256}, ${contentType}, ${size}, ${now}, ${now})
      ON CONFLICT (name, sha256) DO UPDATE
      SET replaced_at = excluded.replaced_at WHERE replaced_at > 0`,
  )
  for (let part = 0; part * PART_BYTES < size; part++) {
    const plain = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES)
    const data = Buffer.from(sealer.seal(plain, place(sha256, part))).toString('base64')
    await write(
      d1,
      sql`INSERT OR REPLACE INTO declaration_file_parts (sha256, part, data)
        VALUES (${sha256}, ${part}, ${data})`,
    )
  }
  await writeAll(d1, [
    leaveContent(name, now),
    sql`INSERT OR REPLACE INTO declaration_files
      (name, sha256, content_type, size, profile, changed_at, replaced_at)
      VALUES (${name}, ${sha256}, ${contentType}, ${size}, ${profile}, ${now}, 0)`,
  ])
  return before
}

function leaveContent(name: string, now: number): Sql {
  return sql`UPDATE declaration_files SET replaced_at = ${now} WHERE name = ${name} AND replaced_at = 0`
}

export function readFile(d1: D1Database, name: string): Promise<FileRow | undefined> {
  return readOne(d1, sql<FileRow>`${ROW} AND name = ${name}`)
}

/** {@link expandFiles} with the files that are stored. */
export async function expandStored(
  d1: D1Database,
  payload: unknown,
  origin: string,
): Promise<Expanded> {
  const names = filesIn(payload)
  if (names.length === 0) {
    return { payload, names, sha256s: [], profiles: [] }
  }
  const files = await readAll(d1, sql<FileRow>`${ROW} AND name IN ${among(names)}`)
  return expandFiles(payload, new Map(files.map((row) => [row.name, row])), origin)
}

/** A page of files, in the order of their names. @param after a name, or empty */
export function listFiles(
  d1: D1Database,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<readonly FileRow[]> {
  return readAll(d1, sql<FileRow>`${ROW} AND name > ${after} ORDER BY name LIMIT ${limit}`)
}

/** The declarations that name a file now. */
export async function declarationsNaming(d1: D1Database, name: string): Promise<string[]> {
  const found = sql<{ identifier: string }>`SELECT identifier FROM declarations
    JOIN declaration_versions USING (identifier, version)
    WHERE served <> '' AND EXISTS (SELECT 1 FROM json_tree(payload)
      WHERE key IN ${among(FILE_KEYS)} AND atom = ${`file:${name}`}) ORDER BY identifier`
  return (await readAll(d1, found)).map(({ identifier }) => identifier)
}

/** Deletes a name. Its content stays for devices that were offered it. @returns whether there was one */
export async function deleteFile(d1: D1Database, name: string, now: number): Promise<boolean> {
  return (await write(d1, leaveContent(name, now))) === 1
}

/** The length of a content that is kept; `undefined` if none is. */
export async function sizeOfContent(d1: D1Database, sha256: string): Promise<number | undefined> {
  const found = sql<{ size: number }>`
    SELECT size FROM declaration_files WHERE sha256 = ${sha256} LIMIT 1`
  return (await readOne(d1, found))?.size
}

/** The bytes of a content, a part at a time. @throws when a part is missing, or cannot be opened */
export async function* partsOfContent(
  d1: D1Database,
  sealer: Sealer,
  { sha256, size }: Pick<FileFacts, 'sha256' | 'size'>,
): AsyncGenerator<Uint8Array> {
  for (let part = 0; part * PART_BYTES < size; part++) {
    const stored = sql<{ data: string }>`
      SELECT data FROM declaration_file_parts WHERE sha256 = ${sha256} AND part = ${part}`
    const data = (await readOne(d1, stored))?.data ?? ''
    yield sealer.open(new Uint8Array(Buffer.from(data, 'base64')), place(sha256, part))
  }
}

/** Removes contents that no device can still need: their names moved on long ago. */
export async function forgetFiles(d1: D1Database, now: number): Promise<void> {
  await writeAll(d1, [
    sql`DELETE FROM declaration_files WHERE replaced_at BETWEEN 1 AND ${now - KEEP_FOR}
      AND NOT EXISTS (SELECT 1 FROM declarations WHERE instr(item || rollout, sha256) > 0)`,
    sql`DELETE FROM declaration_file_parts WHERE sha256 NOT IN (SELECT sha256 FROM declaration_files)`,
  ])
}

function place(sha256: string, part: number): string {
  return `directory/files/${sha256}/${part}`
}
