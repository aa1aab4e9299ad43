import type { Bodies } from '../../../storage/bodies.ts'
import { idOfRow, viewCommand, type CommandAnswer, type CommandRef } from '../../queue/lookup.ts'
import type { Context } from '../context.ts'
import type { Db } from '../../../storage/db.ts'
import { boundArchives, isProven } from './archive.ts'

export type EscrowKind = 'unlock_token' | 'bootstrap_token'

/** A token in escrow, without its value. Times are milliseconds; `archivedAt` is 0 in the present enrolment. */
export interface EscrowedToken {
  readonly token: number
  readonly kind: EscrowKind
  readonly storedAt: number
  readonly archivedAt: number
}

/** Who wants to read a secret and why; written down with the time before the value leaves. */
export interface EscrowReader {
  readonly who: string
  /** Where the call came from, as far as the edge says; empty otherwise. */
  readonly address: string
  readonly reason: string
}

export type EscrowRead = EscrowReader & { readonly at: number } & (
    | { readonly kind: EscrowKind; readonly token: number }
    | { readonly kind: 'command'; readonly command: string }
  )

export type EscrowAnswer =
  | (EscrowedToken & { readonly found: true; readonly value: Uint8Array })
  | { readonly found: false }

export interface EscrowList {
  readonly tokens: readonly EscrowedToken[]
  /** Newest first. */
  readonly reads: readonly EscrowRead[]
}

/** As many entries as an answer lists; older ones stay in the object. */
const LISTED_READS = 1000

/** Stores a token that the device escrows with us, sealed; an empty one deletes what was stored. */
export function storeEscrow(context: Context, kind: EscrowKind, value: Uint8Array): void {
  const { db, sealer, now } = context
  const [current] = db.all<{ id: number }>(
    'SELECT id FROM escrow WHERE kind = ? AND archived_at = 0',
    kind,
  )
  if (value.length === 0) {
    if (current) {
      db.run('DELETE FROM escrow WHERE id = ?', current.id)
    }
    return
  }
  const id = current?.id ?? nextToken(db)
  db.run(
    'INSERT OR REPLACE INTO escrow (id, kind, value, stored_at, archived_at, proven) VALUES (?, ?, ?, ?, 0, ?)',
    id,
    kind,
    sealer.seal(value, place(context, kind, id)),
    now,
    Number(isProven(context)),
  )
}

/** The token of the present enrolment; one of an earlier enrolment is never served to a device. */
export function loadEscrow(bodies: Bodies, kind: EscrowKind): Uint8Array | undefined {
  const [row] = bodies.db.all<{ id: number; value: ArrayBuffer | Uint8Array }>(
    'SELECT id, value FROM escrow WHERE kind = ? AND archived_at = 0',
    kind,
  )
  return row && bodies.sealer.open(new Uint8Array(row.value), place(bodies, kind, row.id))
}

/**
 * A token's value for an admin: that of the present enrolment, or any by its number, archived ones included. The entry
 * about it is part of the same commit, so no value is read without one.
 */
export function readEscrow(
  context: Context,
  kind: EscrowKind,
  token: number | undefined,
  reader: EscrowReader,
): EscrowAnswer {
  const { db, sealer, state } = context
  const [row] =
    state.device.schema === 0
      ? []
      : db.all<EscrowedToken & { value: ArrayBuffer | Uint8Array }>(
          `SELECT id AS token, kind, value, stored_at AS storedAt, archived_at AS archivedAt FROM escrow
            WHERE kind = ? AND (id = ? OR (? IS NULL AND archived_at = 0))`,
          kind,
          token ?? null,
          token ?? null,
        )
  if (!row) {
    return { found: false }
  }
  const value = sealer.open(new Uint8Array(row.value), place(context, kind, row.token))
  recordRead(context, kind, row.token, reader)
  return { ...row, found: true, value }
}

/** A command with its secrets, as long as they are kept; the entry about it is part of the same commit. */
export function revealCommand(
  context: Context,
  user: string,
  ref: CommandRef,
  reader: EscrowReader,
): CommandAnswer {
  const answer = viewCommand(context, user, ref)
  if (answer.kind === 'command' && (answer.payload ?? answer.result)) {
    recordRead(context, 'command', answer.row, reader)
  }
  return answer
}

/** An entry's `token` is the number of a token, or of a command's row. */
function recordRead(
  context: Context,
  kind: EscrowKind | 'command',
  token: number,
  { who, address, reason }: EscrowReader,
): void {
  context.db.run(
    'INSERT INTO escrow_reads (at, kind, token, who, address, reason) VALUES (?, ?, ?, ?, ?, ?)',
    context.now,
    kind,
    token,
    who,
    address,
    reason,
  )
  context.effects.notes.push({ event: 'escrow:read', device: context.name, kind, who })
}

/** What is in escrow, and who has read of it. */
export function listEscrow(context: Context): EscrowList {
  const { db, state } = context
  if (state.device.schema === 0) {
    return { tokens: [], reads: [] }
  }
  return {
    tokens: db.all<EscrowedToken>(
      'SELECT id AS token, kind, stored_at AS storedAt, archived_at AS archivedAt FROM escrow ORDER BY id',
    ),
    reads: db
      .all<EscrowReader & { at: number; kind: EscrowKind | 'command'; token: number }>(
        'SELECT at, kind, token, who, address, reason FROM escrow_reads ORDER BY id DESC LIMIT ?',
        LISTED_READS,
      )
      .map(({ kind, token, ...read }) =>
        kind === 'command'
          ? { ...read, kind, command: idOfRow(context, token) }
          : { ...read, kind, token },
      ),
  }
}

/** Ends the enrolment's tokens: a device is never served one of them again. */
export function archiveEscrow(context: Context): void {
  context.db.run('UPDATE escrow SET archived_at = ? WHERE archived_at = 0', context.now)
  boundArchives(context)
}

/** Stores a token of an enrolment that was set aside at that moment, so that it comes back with it. */
export function storeArchived(
  context: Context,
  kind: EscrowKind,
  value: Uint8Array,
  archivedAt: number,
): void {
  const { db, sealer, now } = context
  const id = nextToken(db)
  db.run(
    'INSERT INTO escrow (id, kind, value, stored_at, archived_at, proven) VALUES (?, ?, ?, ?, ?, 0)',
    id,
    kind,
    sealer.seal(value, place(context, kind, id)),
    now,
    archivedAt,
  )
}

/** An entry about a reading names its token by number for good, and tokens are deleted. */
function nextToken(db: Db): number {
  const [last] = db.all<{ id: number | null }>(
    "SELECT max(id) AS id FROM (SELECT id FROM escrow UNION ALL SELECT token FROM escrow_reads WHERE kind <> 'command')",
  )
  return (last?.id ?? 0) + 1
}

/** What the present enrolment escrowed is known to be the device's own. */
export function proveEscrow({ db }: Context): void {
  db.run('UPDATE escrow SET proven = 1 WHERE archived_at = 0')
}

/**
 * Takes back what was archived at that moment. What a later enrolment stored goes to the archive, or, with `keepsNewer`, is the
 * present one of its kind.
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

function place(bodies: Bodies, kind: EscrowKind, id: number): string {
  return `${bodies.name}/escrow/${kind}/${id}`
}
