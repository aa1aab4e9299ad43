import type { Sealer } from '../pki/seal/seal.ts'
import type { Db } from './db.ts'

/** A longer body becomes several rows of the same commit (docs/architecture.md §16). */
export const MAX_VALUE_BYTES = 1_000_000

/** The columns of the table `parts`, which each object that stores bodies has. */
export const PARTS_TABLE = `(
    body TEXT NOT NULL,
    ref INTEGER NOT NULL,
    part INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (body, ref, part)
  ) WITHOUT ROWID`

export type BodyKind = 'payload' | 'result' | 'event' | 'earlier'

/** A body in its own row; `null` when it is stored in `parts`, or deleted. */
export type InlineBody = Uint8Array | ArrayBuffer | null

/** The storage of bodies: secret ones are sealed, bound to their object, kind and row. */
export interface Bodies {
  readonly db: Db
  readonly sealer: Sealer
  readonly name: string
}

/** @returns the bytes for the body's own row; `null` when they are stored in `parts` */
export function storeBody(
  bodies: Bodies,
  kind: BodyKind,
  ref: number,
  body: Uint8Array,
  secret: boolean,
): Uint8Array | null {
  const bytes = secret ? bodies.sealer.seal(body, context(bodies, kind, ref)) : body
  if (bytes.length > MAX_VALUE_BYTES) {
    storeParts(bodies.db, kind, ref, bytes)
    return null
  }
  return bytes
}

/** Stores a secret body in `parts`, however short it is. */
export function storeApart(bodies: Bodies, kind: BodyKind, ref: number, body: Uint8Array): void {
  storeParts(bodies.db, kind, ref, bodies.sealer.seal(body, context(bodies, kind, ref)))
}

/** Stores bytes, sealed where they are secret, in `parts`. */
export function storeParts(db: Db, kind: BodyKind, ref: number, bytes: Uint8Array): void {
  for (let part = 0; part * MAX_VALUE_BYTES < bytes.length; part++) {
    db.run(
      'INSERT INTO parts (body, ref, part, bytes) VALUES (?, ?, ?, ?)',
      kind,
      ref,
      part,
      bytes.slice(part * MAX_VALUE_BYTES, (part + 1) * MAX_VALUE_BYTES),
    )
  }
}

export function loadBody(
  bodies: Bodies,
  kind: BodyKind,
  ref: number,
  inline: InlineBody,
  secret: boolean,
): Uint8Array {
  const bytes = inline === null ? joinParts(bodies.db, kind, ref) : new Uint8Array(inline)
  return secret ? bodies.sealer.open(bytes, context(bodies, kind, ref)) : bytes
}

/** Whether a body is stored in `parts`, as a long one is. */
export function hasParts(db: Db, kind: BodyKind, ref: number): boolean {
  return db.all('SELECT 1 FROM parts WHERE body = ? AND ref = ? LIMIT 1', kind, ref).length > 0
}

export function dropParts(db: Db, kind: BodyKind, ref: number): void {
  db.run('DELETE FROM parts WHERE body = ? AND ref = ?', kind, ref)
}

/** The same for all rows of a range. */
export function dropPartsBetween(
  db: Db,
  kinds: readonly BodyKind[],
  first: number,
  last: number,
): void {
  db.run(
    `DELETE FROM parts WHERE body IN ('${kinds.join("', '")}') AND ref BETWEEN ? AND ?`,
    first,
    last,
  )
}

/** SQL: whether a row's body of this kind is stored in `parts`. */
export function liesInParts(kind: BodyKind, ref: string): string {
  return `EXISTS (SELECT 1 FROM parts WHERE body = '${kind}' AND ref = ${ref})`
}

/** SQL: the beginnings of the sealed bodies in `parts`. Property lists begin with another byte. */
export const SEALED_PARTS = `SELECT bytes AS sealed FROM parts
  WHERE part = 0 AND substr(bytes, 1, 1) = x'01'`

function joinParts(db: Db, kind: BodyKind, ref: number): Uint8Array {
  const rows = db.all<{ bytes: Uint8Array | ArrayBuffer }>(
    'SELECT bytes FROM parts WHERE body = ? AND ref = ? ORDER BY part',
    kind,
    ref,
  )
  const parts = rows.map((row) => new Uint8Array(row.bytes))
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

function context(bodies: Bodies, kind: BodyKind, ref: number): string {
  return `${bodies.name}/${kind}/${ref}`
}
