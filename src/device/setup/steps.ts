/** The life of one step. */
import { PENDING_STATES } from '../../mdm/queue.ts'
import { cancelCommands } from '../queue/cancel.ts'
import { DURING_SETUP, endSetupHold } from '../queue/held.ts'
import { queueOf, readWindow } from '../queue/window.ts'
import { channelStates } from '../declarations/channel-states.ts'
import { channelOf } from '../store/channels.ts'
import { rowOf } from '../store/commands/ids.ts'
import { progressOfRow } from '../store/commands/pending.ts'
import type { Context } from '../store/context.ts'
import { presentManifest } from '../store/manifest-row.ts'
import type { SetupRun, SetupStep } from '../store/rows/setup.ts'
import { heldOfSource, holdForRun, holdOthers } from '../store/commands/setup.ts'
import { askForApp, endProbe } from './probe.ts'

const PENDING: ReadonlySet<string | undefined> = new Set(PENDING_STATES)

export function beginStep(context: Context, run: SetupRun, step: SetupStep): void {
  const { now } = context
  Object.assign(step, { startedAt: now, dueAt: Math.min(now + step.timeoutMs, run.deadline) })
  if (step.fault !== undefined) {
    endStep(context, step, 'failed', step.fault)
  } else if (step.awaitingOnly && !run.awaiting) {
    skipStep(context, step, 'the device does not wait in Setup Assistant')
  } else if (step.entry !== undefined) {
    step.state = 'sent'
    endSetupHold(context, rowOf(DEVICE_CHANNEL, step.entry))
  } else {
    step.state = 'watched'
    checkStep(context, run, step)
  }
}

/** Looks whether a step is over: its answer is taken elsewhere. */
export function checkStep(context: Context, run: SetupRun, step: SetupStep): void {
  if (context.now >= step.dueAt) {
    timeOutStep(context, step, TOO_LATE[step.state === 'sent' ? 'sent' : step.wait.kind])
  } else if (step.state === 'sent') {
    checkCommand(context, step)
  } else if (step.wait.kind === 'installed') {
    askForApp(context, run, step)
  } else if (step.kind === 'declarations') {
    checkDeclarations(context, step)
  }
}

const TOO_LATE: Readonly<Record<'sent' | SetupStep['wait']['kind'], string>> = {
  sent: 'the device did not carry out the command in time',
  ack: 'the device did not answer in time',
  installed: 'the app was not there in time',
  valid: 'the declarations were not active and valid in time',
  signal: 'no signal came in time',
}

/** The command goes out after the run, and its answer still counts. */
export function timeOutStep(context: Context, step: SetupStep, note: string): void {
  if (step.entry !== undefined) {
    holdForRun(context.db, rowOf(DEVICE_CHANNEL, step.entry))
  }
  endStep(context, step, 'timed_out', note)
}

/** An admin does not wait for it, or it has no meaning here: its command never goes out. */
export function skipStep(context: Context, step: SetupStep, note: string): void {
  if (step.entry !== undefined) {
    cancelCommands(context, channelOf(context, ''), [step.entry])
  }
  endStep(context, step, 'skipped', note)
}

function endStep(
  context: Context,
  step: SetupStep,
  state: 'done' | 'skipped' | 'failed' | 'timed_out',
  note: string,
): void {
  endProbe(context, step)
  if (step.kind === 'declarations' && state !== 'done') {
    // The command that makes the device synchronise waits for the end of the run again.
    holdOthers(context.db, DURING_SETUP)
  }
  Object.assign(step, { state, note, endedAt: context.now })
  readQueue(context)
}

const DEVICE_CHANNEL = { id: 0 }

/** An admin may have cancelled the command. */
function checkCommand(context: Context, step: SetupStep): void {
  const state = progressOfRow(context.db, rowOf(DEVICE_CHANNEL, step.entry ?? 0))?.state
  if (!PENDING.has(state)) {
    endStep(context, step, 'skipped', 'its command was cancelled')
  }
}

/** The command that makes the device synchronise goes out now, and not after the run. */
function checkDeclarations(context: Context, step: SetupStep): void {
  const { db, state } = context
  const waiting = heldOfSource(db, 'declarations')
  if (waiting !== undefined) {
    endSetupHold(context, waiting)
  }
  const channel = channelOf(context, '')
  if (state.device.offeredEpoch !== state.device.epoch) {
    // The catalog has not been read for this enrolment.
    return
  }
  const manifest = presentManifest(context, channel)
  const isIn =
    manifest === undefined ||
    (step.wait.kind === 'valid'
      ? areValid(context, step.wait.of)
      : manifest.offered.length === 0 || manifest.seen === manifest.token)
  if (isIn) {
    endStep(context, step, 'done', '')
  }
}

/** Whether the device applies these declarations, or all that it is offered. */
function areValid(context: Context, of: readonly string[]): boolean {
  const { states } = channelStates(context, channelOf(context, ''))
  const meant = states.filter(
    ({ identifier, state }) =>
      (of.length === 0 && state !== 'withheld' && state !== 'inactive') || of.includes(identifier),
  )
  return meant.length >= of.length && meant.every(({ state }) => state === 'applied')
}

/** Rows have changed under the queue that memory holds. */
export function readQueue(context: Context): void {
  const channel = channelOf(context, '')
  readWindow(context, channel, queueOf(context, channel))
}
