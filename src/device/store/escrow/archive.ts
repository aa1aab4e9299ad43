import type { Context } from '../context.ts'

/** Archived tokens: so many of each kind, and so many bytes of both. */
const MOST_ARCHIVED = 5
const MOST_BYTES = 2_000_000

/** Whether what the device escrows now is known to be its own: such tokens outlive others in the archive. */
export function isProven({ state }: Context): boolean {
  return state.device.contest === undefined
}

/** Deletes archived tokens that are too many, but for those of enrolments that are kept: those of unproven identities first, the oldest first, the last proven of a kind never. */
export function boundArchives({ db }: Context): void {
  const archived = db.all<{ id: number; kind: string; proven: number; bytes: number }>(
    `SELECT id, kind, proven, length(value) AS bytes FROM escrow
      WHERE archived_at > 0 AND archived_at NOT IN (SELECT parked_at FROM earlier)
      ORDER BY proven, archived_at, id`,
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
