/** The only SQL on `setup`: what a device goes through when it enrols, and what was queued for it. */
import type { Db } from '../../storage/db.ts'
import { createTables } from '../../storage/tables.ts'
import { numberOf, rangeOf } from './commands/ids.ts'
import type { HeldFor } from './commands/new-command.ts'
import type { Context } from './context.ts'
import type { DeviceRow } from './rows/device.ts'
import { saveDevice } from './rows/save.ts'
import { SETUP_TABLE } from './rows/schema.ts'
import type { SetupMark, SetupRun } from './rows/setup.ts'

/** `source` of the commands of a run. */
export const SETUP_SOURCE = 'setup'
/** How many runs a device keeps. */
const MOST_RUNS = 5

/** The open run of the present enrolment. */
export function openSetup({ setup, epoch }: DeviceRow): SetupMark | undefined {
  return setup?.epoch === epoch ? setup : undefined
}

/** Whether the open run is that of an enrolment that is kept during a contest, and may come back. */
export function isSetupKept({ setup, contest }: DeviceRow): boolean {
  return setup !== undefined && contest?.earlier.includes(setup.epoch) === true
}

export function readRun({ db, state }: Context, run: number): SetupRun | undefined {
  return listRuns({ db, state }).find((one) => one.run === run)
}

/** The newest first. */
export function listRuns({ db, state }: Pick<Context, 'db' | 'state'>): SetupRun[] {
  return state.device.setups === undefined
    ? []
    : db
        .all<{ state: string }>('SELECT state FROM setup ORDER BY run DESC')
        .map((row): SetupRun => JSON.parse(row.state))
}

/** Writes a run, and what the device's row has of it; `mark` is absent for one that is over. */
export function saveRun({ db, state }: Context, run: SetupRun, mark: SetupMark | undefined): void {
  const { device } = state
  if (device.setups === undefined) {
    createTables(db, SETUP_TABLE)
  }
  db.run('INSERT OR REPLACE INTO setup (run, state) VALUES (?, ?)', run.run, JSON.stringify(run))
  if (run.run > (device.setups ?? 0)) {
    device.setups = run.run
    // The setup of an enrolment that a contest interrupted begins anew from its run.
    db.run(
      "DELETE FROM setup WHERE run <= ? AND state ->> 'epoch' IS NOT ?",
      run.run - MOST_RUNS,
      device.interrupted ?? null,
    )
  }
  device.setup = mark
  saveDevice({ state })
}

const ACTIVE = "state IN ('queued', 'sent', 'not_now', 'stalled')"
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
    `UPDATE commands SET held_for = ?, state = CASE WHEN ? <> '' THEN 'held'
      WHEN handed_out_at = 0 THEN 'queued' WHEN not_now_at >= handed_out_at THEN 'not_now'
      ELSE 'sent' END WHERE id = ?`,
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
