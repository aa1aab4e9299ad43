/** The tokens that devices escrow with the server, sealed. */
import { Buffer } from 'node:buffer'
import type { Bodies } from '../../../storage/bodies.ts'
import type { Db } from '../../../storage/db.ts'
import type { Context } from '../context.ts'
import { isUnproven } from '../rows/device.ts'
import { recordRead, TOKENS_WITH_READS, type EscrowKind, type EscrowReader } from './reads.ts'

/**
 * A token in escrow, without its value. Times are milliseconds; `archivedAt` is 0 in the present enrolment.
 */
export interface EscrowedToken {
  readonly token: number
  readonly kind: EscrowKind
  readonly storedAt: number
  readonly archivedAt: number
}

export type EscrowAnswer =
  | (EscrowedToken & { readonly found: true; readonly value: Uint8Array })
  | { readonly kind: 'absent'; readonly found: false }

/** Bounds on archived tokens: how many of each kind, and how many bytes of both. */
const MOST_ARCHIVED = 5
const MOST_BYTES = 2_000_000

/** Stores a token of the present enrolment; an empty one deletes the stored token. */
export function storeEscrow(context: Context, kind: EscrowKind, value: Uint8Array): void {
  const { db, state, now } = context
  const [found] = db.all<{ id: number; proven: number }>(
    'SELECT id, proven FROM escrow WHERE kind = ? AND archived_at = 0',
    kind,
  )
  // An unproven sender replaces no token that came with the device from another server.
  const isKept = state.device.moved?.unproven === true && found?.proven === 1
  const current = isKept ? undefined : found
  if (isKept) {
    db.run('UPDATE escrow SET archived_at = ? WHERE id = ?', now, found.id)
    boundArchive(context)
  }
  if (value.length === 0) {
    if (current) {
      db.run('DELETE FROM escrow WHERE id = ?', current.id)
    }
    return
  }
  // The archive deletes a token of an unproven enrolment before others.
  const proven = !isUnproven(state.device)
  writeToken(context, { token: current?.id ?? nextToken(db), kind, value, archivedAt: 0, proven })
}

/** The token of the present enrolment. A device never gets one of an earlier enrolment. */
export function loadEscrow(bodies: Bodies, kind: EscrowKind): Uint8Array | undefined {
  const [row] = bodies.db.all<{ id: number; value: ArrayBuffer | Uint8Array }>(
    'SELECT id, value FROM escrow WHERE kind = ? AND archived_at = 0',
    kind,
  )
  return row && bodies.sealer.open(new Uint8Array(row.value), sealContext(bodies, kind, row.id))
}

/**
 * A token's value for an admin: that of the present enrolment, or any by its number, archived ones included.
 * The entry about the reading is part of the same commit.
 */
export function readEscrow(
  context: Context,
  kind: EscrowKind,
  token: number | undefined,
  reader: EscrowReader,
): EscrowAnswer {
  const { db, sealer } = context
  const [row] = db.all<EscrowedToken & { value: ArrayBuffer | Uint8Array }>(
    `SELECT id AS token, kind, value, stored_at AS storedAt, archived_at AS archivedAt FROM escrow
      WHERE kind = ? AND (id = ? OR (? IS NULL AND archived_at = 0))`,
    kind,
    token ?? null,
    token ?? null,
  )
  if (!row) {
    return { kind: 'absent', found: false }
  }
  const value = sealer.open(new Uint8Array(row.value), sealContext(context, kind, row.token))
  recordRead(context, kind, row.token, reader)
  return { ...row, found: true, value }
}

/** SQL: the sealed values. */
export const SEALED_TOKENS = 'SELECT value AS sealed FROM escrow'

export function listTokens(db: Db): EscrowedToken[] {
  return db.all<EscrowedToken>(
    `SELECT id AS token, kind, stored_at AS storedAt, archived_at AS archivedAt FROM escrow ORDER BY id`,
  )
}

/** Archives the tokens of the enrolment: the device never gets one of them again. */
export function archiveEscrow(context: Context): void {
  context.db.run('UPDATE escrow SET archived_at = ? WHERE archived_at = 0', context.now)
  boundArchive(context)
}

/** Archives the present token of a kind: another one takes its place, and this one may still be valid. */
export function archiveKind(context: Context, kind: EscrowKind): void {
  context.db.run(
    'UPDATE escrow SET archived_at = ? WHERE kind = ? AND archived_at = 0',
    context.now,
    kind,
  )
  boundArchive(context)
}

/** Stores a token of an enrolment that was kept at that moment, so that it returns with the enrolment. */
export function storeArchived(
  context: Context,
  kind: EscrowKind,
  value: Uint8Array,
  archivedAt: number,
): void {
  const token = nextToken(context.db)
  writeToken(context, { token, kind, value, archivedAt, proven: false })
}

function writeToken(
  context: Context,
  row: Omit<EscrowedToken, 'storedAt'> & { readonly value: Uint8Array; readonly proven: boolean },
): void {
  const { token, kind, value, archivedAt, proven } = row
  context.db.run(
    `INSERT OR REPLACE INTO escrow (id, kind, value, stored_at, archived_at, proven)
      VALUES (?, ?, ?, ?, ?, ?)`,
    token,
    kind,
    context.sealer.seal(value, sealContext(context, kind, token)),
    context.now,
    archivedAt,
    Number(proven),
  )
}

/** The sender of the present tokens may be another device. */
export function doubtEscrow({ db }: Context): void {
  db.run('UPDATE escrow SET proven = 0 WHERE archived_at = 0')
}

/** The present enrolment is proven, and so are its tokens. */
export function proveEscrow({ db }: Context): void {
  db.run('UPDATE escrow SET proven = 1 WHERE archived_at = 0')
}

/**
 * Restores the tokens that were archived at that moment. Tokens of a later enrolment are archived; with
 * `keepsNewer` they stay the present ones of their kind.
 */
export function reviveEscrow(
  context: Context,
  when: { readonly archivedAt: number; readonly keepsNewer: boolean },
): void {
  if (!when.keepsNewer) {
    archiveEscrow(context)
  }
  context.db.run(
    `UPDATE escrow SET archived_at = 0 WHERE archived_at = ?
      AND kind NOT IN (SELECT kind FROM escrow WHERE archived_at = 0)`,
    when.archivedAt,
  )
}

/**
 * Stores a token that came from another server: it is the device's own. `isOurs`: the device has called here,
 * so a token that is here stays. Beside the token of an unproven sender it is archived, and returns when the
 * sender is frozen.
 * @returns whether it was stored
 */
export function storeMoved(
  context: Context,
  kind: EscrowKind,
  value: Uint8Array,
  isOurs: boolean,
): boolean {
  const rows = context.db.all<{ id: number; archivedAt: number; proven: number }>(
    'SELECT id, archived_at AS archivedAt, proven FROM escrow WHERE kind = ?',
    kind,
  )
  const current = rows.find(({ archivedAt }) => archivedAt === 0)
  if (current && Buffer.from(loadEscrow(context, kind) ?? []).equals(value)) {
    return false
  }
  if (!current || !isOurs) {
    const token = current?.id ?? nextToken(context.db)
    writeToken(context, { token, kind, value, archivedAt: 0, proven: true })
    return true
  }
  if (!context.state.device.moved?.unproven || rows.some(({ proven }) => proven === 1)) {
    return false
  }
  const token = nextToken(context.db)
  writeToken(context, { token, kind, value, archivedAt: context.now, proven: true })
  return true
}

/** Archives the tokens of a sender that is not the device, and restores the proven ones from before. */
export function restoreProven({ db, now }: Context): void {
  db.run('UPDATE escrow SET archived_at = ? WHERE archived_at = 0 AND proven = 0', now)
  db.run(
    `UPDATE escrow SET archived_at = 0 WHERE id IN (SELECT max(id) FROM escrow WHERE proven = 1
      AND kind NOT IN (SELECT kind FROM escrow WHERE archived_at = 0) GROUP BY kind)`,
  )
}

/** The next number: that of a deleted token is not used again if an entry about a reading names it. */
function nextToken(db: Db): number {
  const [last] = db.all<{ id: number | null }>(
    `SELECT max(id) AS id FROM (SELECT id FROM escrow UNION ALL ${TOKENS_WITH_READS})`,
  )
  return (last?.id ?? 0) + 1
}

/**
 * Deletes surplus archived tokens, but none of an enrolment that is kept: unproven ones first, then the
 * oldest. The last proven token of a kind always stays.
 */
function boundArchive({ db, state }: Context): void {
  const archived = db.all<{ id: number; kind: string; proven: number; bytes: number }>(
    `SELECT id, kind, proven, length(value) AS bytes FROM escrow
      WHERE archived_at > 0 AND archived_at NOT IN (SELECT value FROM json_each(?))
      ORDER BY proven, archived_at, id`,
    JSON.stringify(state.earlier.map(({ parkedAt }) => parkedAt)),
  )
  const last = new Map(
    archived.filter(({ proven }) => proven === 1).map((row) => [row.kind, row.id]),
  )
  const count = new Map<string, number>()
  let total = 0
  for (const { kind, bytes } of archived) {
    count.set(kind, (count.get(kind) ?? 0) + 1)
    total += bytes
  }
  for (const { id, kind, bytes } of archived) {
    const left = count.get(kind) ?? 0
    if ((left > MOST_ARCHIVED || total > MOST_BYTES) && last.get(kind) !== id) {
      db.run('DELETE FROM escrow WHERE id = ?', id)
      count.set(kind, left - 1)
      total -= bytes
    }
  }
}

function sealContext(bodies: Bodies, kind: EscrowKind, id: number): string {
  return `${bodies.name}/escrow/${kind}/${id}`
}
