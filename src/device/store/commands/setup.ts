/** The statements on commands while the setup of the device is under way. */
import type { Db } from '../../../storage/db.ts'
import { numberOf, rangeOf } from './ids.ts'
import type { HeldFor } from './new-command.ts'
import { ACTIVE, BEFORE_HOLD } from './states.ts'

const DEVICE_CHANNEL = { id: 0 }

/** Holds the commands of the device channel that are not held, except those of some types. */
export function holdOthers(db: Db, except: readonly string[]): void {
  db.run(
    `UPDATE commands SET state = 'held', held_for = 'setup' WHERE id BETWEEN ? AND ? AND ${ACTIVE}
      AND request_type NOT IN (SELECT value FROM json_each(?))`,
    ...rangeOf(DEVICE_CHANNEL),
    JSON.stringify(except),
  )
}

/** Holds a command until the run is over. An answer that still comes counts: {@link resumeHeld}. */
export function holdForRun(db: Db, row: number): void {
  db.run(`UPDATE commands SET state = 'held', held_for = 'setup' WHERE id = ? AND ${ACTIVE}`, row)
}

/** The command of a CommandUUID that the device was given before a run held it. */
export function heldAfterHandOut(db: Db, uuid: string): number | undefined {
  return db.all<{ id: number }>(
    `SELECT id FROM commands WHERE id BETWEEN ? AND ? AND uuid = ? AND state = 'held'
      AND held_for = 'setup' AND handed_out_at > 0 LIMIT 1`,
    ...rangeOf(DEVICE_CHANNEL),
    uuid,
  )[0]?.id
}

/** Pending commands of the device channel of a type, held ones too: their numbers. */
export function pendingOfType(db: Db, requestType: string): number[] {
  return db
    .all<{ id: number }>(
      `SELECT id FROM commands WHERE id BETWEEN ? AND ? AND request_type = ?
        AND (${ACTIVE} OR state = 'held')`,
      ...rangeOf(DEVICE_CHANNEL),
      requestType,
    )
    .map(({ id }) => numberOf(id))
}

/** What admins queued for an enrolment that is kept waits for its return. */
export function keepHeld(db: Db): void {
  db.run(
    `UPDATE commands SET held_for = 'earlier'
      WHERE id BETWEEN ? AND ? AND state = 'held' AND held_for = 'setup'`,
    ...rangeOf(DEVICE_CHANNEL),
  )
}

export interface HeldByRun {
  readonly id: number
  readonly requestType: string
  readonly secret: boolean
}

/** The commands that a run holds: that of a row, or all. */
export function heldByRun(db: Db, row?: number): HeldByRun[] {
  return db
    .all<Omit<HeldByRun, 'secret'> & { readonly secret: number }>(
      `SELECT id, request_type AS requestType, secret FROM commands
        WHERE id BETWEEN ? AND ? AND state = 'held' AND held_for = 'setup'`,
      ...(row === undefined ? rangeOf(DEVICE_CHANNEL) : ([row, row] as const)),
    )
    .map((one) => ({ ...one, secret: one.secret === 1 }))
}

/** A held command goes on in the state that it had, or is held for another reason. */
export function resumeHeld(db: Db, row: number, reason: HeldFor | undefined): void {
  db.run(
    `UPDATE commands SET held_for = ?, state = CASE WHEN ? <> '' THEN 'held' ELSE ${BEFORE_HOLD} END
      WHERE id = ?`,
    reason ?? '',
    reason ?? '',
    row,
  )
}

/** The newest command of a source that a run holds. */
export function heldOfSource(db: Db, source: string): number | undefined {
  return db.all<{ id: number }>(
    `SELECT id FROM commands WHERE id BETWEEN ? AND ? AND source = ? AND state = 'held'
      AND held_for = 'setup' ORDER BY id DESC LIMIT 1`,
    ...rangeOf(DEVICE_CHANNEL),
    source,
  )[0]?.id
}
