/** The end of a run: the device leaves Setup Assistant, and the commands that waited go out. */
import { ENDED_STATES } from '../../mdm/queue.ts'
import { writePlist } from '../../plist/write.ts'
import { cancelCommands, supersedeCommands } from '../queue/cancel.ts'
import { appendCommand } from '../queue/enqueue.ts'
import { endSetupHold } from '../queue/held.ts'
import { channelOf } from '../store/channels.ts'
import { numberOf } from '../store/commands/ids.ts'
import { progressOfRow } from '../store/commands/pending.ts'
import type { Context } from '../store/context.ts'
import type { RunState, SetupRun } from '../store/rows/setup.ts'
import { heldByRun, keepHeld, pendingOfType } from '../store/commands/setup.ts'
import { isSetupKept, SETUP_SOURCE } from '../store/setup-runs.ts'
import { recordSetup } from './events.ts'
import { isDone, isOver } from './words.ts'

/** Apple, "Device Configured Command". */
export const DEVICE_CONFIGURED = 'DeviceConfigured'

/** All steps are over: the device is released, unless an admin has to do that. */
export function finishSteps(context: Context, run: SetupRun): void {
  if (!run.awaiting) {
    endRun(context, run, 'finished')
    recordSetup(context, run, 'setup.finished')
    return
  }
  const misses = run.steps.some(({ required, state }) => required && !isDone(state))
  if (run.release === 'manual' || (run.release === 'if_required_ok' && misses)) {
    run.state = 'held'
    recordSetup(context, run, 'setup.held')
  } else {
    releaseFromSetup(context, run)
  }
}

/** Nothing else goes out until the device has answered. */
export function releaseFromSetup(context: Context, run: SetupRun): void {
  const uuid = `${run.uuid}-release`
  const number = appendCommand(context, channelOf(context, ''), {
    uuid,
    requestType: DEVICE_CONFIGURED,
    payload: writePlist({ Command: { RequestType: DEVICE_CONFIGURED }, CommandUUID: uuid }),
    secret: false,
    source: SETUP_SOURCE,
    by: { face: 'server' },
  })
  run.state = 'releasing'
  run.released = { number, uuid }
}

/**
 * A DeviceConfigured that was cancelled is queued again: without it the device never leaves Setup Assistant.
 * A device that has got it and does not answer holds up the other commands for a while only.
 */
export function checkRelease(context: Context, run: SetupRun): void {
  const row = run.released && progressOfRow(context.db, run.released.number)
  if (!run.released || !row || ENDED.has(row.state)) {
    releaseFromSetup(context, run)
  } else if (row.givenAt > 0) {
    run.released = { ...run.released, givenAt: row.givenAt }
    if (context.now >= row.givenAt + RELEASE_SPAN) {
      endRun(context, run, 'finished')
      recordSetup(context, run, 'setup.finished', undefined, 'no answer to DeviceConfigured')
    }
  }
}

/** How long a run waits for the answer to DeviceConfigured after the device was given it. */
export const RELEASE_SPAN = 3_600_000
const ENDED: ReadonlySet<string> = new Set(ENDED_STATES)

/** The run is over: what it held goes out, but for commands that only a waiting device takes. */
export function endRun(context: Context, run: SetupRun, state: RunState): void {
  const { now } = context
  const useless = run.steps.flatMap(({ awaitingOnly, entry, state: step }) =>
    entry !== undefined && (awaitingOnly ? step !== 'done' : step === 'skipped') ? [entry] : [],
  )
  // The device has left Setup Assistant: a second DeviceConfigured could only fail.
  const releases = state === 'released' ? pendingOfType(context.db, DEVICE_CONFIGURED) : []
  cancelThose(context, [...useless, ...releases])
  for (const step of run.steps.filter((one) => !isOver(one.state))) {
    Object.assign(step, { state: 'skipped', note: 'the setup was over', endedAt: now })
  }
  Object.assign(run, { state, endedAt: now })
  endSetupHold(context)
}

/** The enrolment of the run is over, and its commands with it. */
export function supersedeRun(context: Context, run: SetupRun): void {
  const probes = run.steps.flatMap(({ probe }) => (probe ? [probe.number] : []))
  const entries = run.steps.flatMap(({ entry }) => (entry === undefined ? [] : [entry]))
  const released = run.released ? [run.released.number] : []
  cancelThose(context, [...entries, ...probes, ...released])
  const { device } = context.state
  if (isSetupKept(device)) {
    keepHeld(context.db)
  } else if (run.epoch < device.epoch) {
    // What admins had queued for it is over as well.
    const numbers = heldByRun(context.db).map(({ id }) => numberOf(id))
    supersedeCommands(context, channelOf(context, ''), { numbers, held: true })
  }
  endRun(context, run, 'superseded')
}

function cancelThose(context: Context, numbers: readonly number[]): void {
  if (numbers.length > 0) {
    cancelCommands(context, channelOf(context, ''), numbers)
  }
}
