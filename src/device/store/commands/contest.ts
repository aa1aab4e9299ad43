/** The statements on commands while an enrolment is contested, and as the contest ends. */
import type { InlineBody } from '../../../storage/bodies.ts'
import type { Db } from '../../../storage/db.ts'
import type { Channel } from '../channel-row.ts'
import { rangeOf } from './ids.ts'
import type { HeldFor } from './new-command.ts'
import { ACTIVE, BEFORE_HOLD } from './states.ts'

export interface ContestRow {
  readonly id: number
  readonly requestType: string
  readonly secret: number
}

const HANDED_OUT = "state IN ('sent', 'not_now', 'stalled')"

/** Pending commands that are not held. */
export function activeRows(db: Db): ContestRow[] {
  return rowsWhere(db, ACTIVE)
}

export function heldRows(db: Db, heldFor: 'earlier' | 'contest'): ContestRow[] {
  return rowsWhere(db, `state = 'held' AND held_for = '${heldFor}'`)
}

export function holdActive(db: Db, heldFor: 'earlier'): void {
  db.run(`UPDATE commands SET state = 'held', held_for = ? WHERE ${ACTIVE}`, heldFor)
}

export function holdRows(
  db: Db,
  rows: readonly ContestRow[],
  heldFor: Extract<HeldFor, 'contest' | 'review'>,
): void {
  db.run(
    `UPDATE commands SET state = 'held', held_for = ?, rounds = 0, handed_out_at = 0
      WHERE id IN (SELECT value FROM json_each(?))`,
    heldFor,
    idsOf(rows),
  )
}

/** Held commands go on in the state that they had. */
export function resumeRows(db: Db, rows: readonly ContestRow[]): void {
  db.run(
    `UPDATE commands SET held_for = '', state = ${BEFORE_HOLD}
      WHERE id IN (SELECT value FROM json_each(?))`,
    idsOf(rows),
  )
}

/** Commands that are still held after their contest wait for an admin: no later contest releases them. */
export function holdForReview(db: Db): void {
  db.run(
    `UPDATE commands SET held_for = 'review'
      WHERE state = 'held' AND held_for IN ('earlier', 'contest')`,
  )
}

/** Commands that were handed out and not answered are queued again. */
export function queueUnanswered(db: Db): void {
  db.run(`UPDATE commands SET state = 'queued', rounds = 0, handed_out_at = 0 WHERE ${HANDED_OUT}`)
}

/** Cancels commands that were answered since then, and deletes the answers: another device gave them. */
export function cancelAnswered(db: Db, since: number): void {
  db.run(
    `UPDATE commands SET state = 'cancelled', result = NULL WHERE held_for <> 'earlier' AND answered_at > ?
      AND state IN ('acknowledged', 'error', 'format_error')`,
    since,
  )
}

/** A command of a kept enrolment that the device was given before the contest. */
export function rowOfKept(
  db: Db,
  channel: Channel,
  uuid: string,
): { id: number; requestType: string; secret: boolean; big: boolean } | undefined {
  const [row] = db.all<{ id: number; requestType: string; secret: number; big: number }>(
    `SELECT id, request_type AS requestType, secret, payload IS NULL AS big FROM commands
      WHERE id BETWEEN ? AND ? AND uuid = ? AND state = 'held' AND held_for = 'earlier'
      AND handed_out_at > 0`,
    ...rangeOf(channel),
    uuid,
  )
  return row && { ...row, secret: row.secret === 1, big: row.big === 1 }
}

const DEVICE_CHANNEL = { id: 0 }

/** InstallProfile commands of the device channel that the device was given and has not answered. */
export function installsOut(
  db: Db,
  { isContested }: { readonly isContested: boolean },
): { id: number; uuid: string; requestType: string; secret: boolean }[] {
  return db
    .all<{ id: number; uuid: string; requestType: string; secret: number }>(
      `SELECT id, uuid, request_type AS requestType, secret FROM commands
        WHERE id <= ? AND request_type = 'InstallProfile' AND handed_out_at > not_now_at
        AND (state = 'held' AND held_for = 'earlier' OR ? AND state IN ('sent', 'stalled'))`,
      rangeOf(DEVICE_CHANNEL)[1],
      Number(!isContested),
    )
    .map((row) => ({ ...row, secret: row.secret === 1 }))
}

/**
 * Whether an InstallProfile with this CommandUUID was given to one enrolment only, and no other device can
 * know the UUID. The devices of one job may share a UUID, and a client may choose the UUID of another
 * command.
 */
export function wasGivenOnlyTo(
  db: Db,
  { uuid, epoch }: { readonly uuid: string; readonly epoch: number },
): boolean {
  return (
    db.all(
      `SELECT 1 FROM commands WHERE id <= ? AND uuid = ? AND request_type = 'InstallProfile'
        AND handed_epoch = ? AND (source = '' OR source GLOB 'job/*/own')`,
      rangeOf(DEVICE_CHANNEL)[1],
      uuid,
      epoch,
    ).length > 0
  )
}

export function readPayload(
  db: Db,
  id: number,
): { readonly source: string; readonly payload: InlineBody } | undefined {
  return db.all<{ source: string; payload: InlineBody }>(
    'SELECT source, payload FROM commands WHERE id = ?',
    id,
  )[0]
}

function rowsWhere(db: Db, condition: string): ContestRow[] {
  return db.all<ContestRow>(
    `SELECT id, request_type AS requestType, secret FROM commands WHERE ${condition}`,
  )
}

function idsOf(rows: readonly ContestRow[]): string {
  return JSON.stringify(rows.map(({ id }) => id))
}
