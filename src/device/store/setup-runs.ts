/** The only SQL on `setup`: what a device goes through when it enrols. */
import { column } from '../../storage/db.ts'
import { createTables } from '../../storage/tables.ts'
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

export function readRun(context: Context, run: number): SetupRun | undefined {
  return readRuns(context, 'WHERE run = ?', run)[0]
}

/** The newest first. */
export function listRuns(context: Context): SetupRun[] {
  return readRuns(context, 'ORDER BY run DESC')
}

function readRuns({ db, state }: Context, which: string, ...values: number[]): SetupRun[] {
  return state.device.setups === undefined
    ? []
    : column<string>(db, `SELECT state FROM setup ${which}`, ...values).map((stored): SetupRun =>
        JSON.parse(stored),
      )
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
