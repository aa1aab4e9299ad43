import type { Bodies } from './bodies.ts'
import type { Context } from './context.ts'
import type { Db } from './db.ts'

export type EscrowKind = 'unlock_token' | 'bootstrap_token'

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
  const [last] = db.all<{ id: number | null }>('SELECT max(id) AS id FROM escrow')
  const id = current?.id ?? (last?.id ?? 0) + 1
  db.run(
    'INSERT OR REPLACE INTO escrow (id, kind, value, stored_at, archived_at) VALUES (?, ?, ?, ?, 0)',
    id,
    kind,
    sealer.seal(value, place(context, kind, id)),
    now,
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

export function archiveEscrow(db: Db, now: number): void {
  db.run('UPDATE escrow SET archived_at = ? WHERE archived_at = 0', now)
}

function place(bodies: Bodies, kind: EscrowKind, id: number): string {
  return `${bodies.name}/escrow/${kind}/${id}`
}
