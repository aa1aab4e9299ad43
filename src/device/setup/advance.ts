/** How a run goes on: one step after the other, each until its end or its time (docs/blueprints.md). */
import type { Report } from '../../mdm/message.ts'
import { stateAfter } from '../../mdm/queue.ts'
import { errorsIn } from '../../mdm/error-chain.ts'
import { channelOf } from '../store/channels.ts'
import type { Context } from '../store/context.ts'
import { endSetupHold } from '../queue/held.ts'
import { heldAfterHandOut, holdForRun } from '../store/commands/setup.ts'
import { openSetup, readRun, saveRun, SETUP_SOURCE } from '../store/setup-runs.ts'
import type { SetupRun, SetupStep } from '../store/rows/setup.ts'
import { isDone, isOver } from './words.ts'
import { checkRelease, endRun, finishSteps, RELEASE_SPAN } from './finish.ts'
import { recordSetup } from './events.ts'
import { beginStep, checkStep, readQueue, timeOutStep } from './steps.ts'
import { takeProbe } from './probe.ts'

const AT_LIMIT = 'the time limit of the setup was over'

/** A report of the device channel that answers the command of this CommandUUID, and its exact bytes. */
export interface SetupAnswer {
  readonly report: Report
  readonly uuid: string
  readonly body: Uint8Array
}

/** Takes the open run as far as it can go now. Without one it does nothing. */
export function advanceSetup(context: Context, answer?: SetupAnswer): void {
  const { device } = context.state
  const mark = openSetup(device)
  if (!mark || mark.state === 'pending' || device.state !== 'enrolled') {
    return
  }
  const run = readRun(context, mark.run)
  if (!run) {
    return
  }
  const before = JSON.stringify(run)
  const open = run.steps.filter(({ state }) => !isOver(state))
  if (answer) {
    takeAnswer(context, run, answer)
  }
  goOn(context, run)
  for (const step of open.filter(
    ({ state, note }) => isOver(state) && !isDone(state) && note !== AT_LIMIT,
  )) {
    recordSetup(context, run, 'setup.step', step)
  }
  if (JSON.stringify(run) !== before) {
    keepRun(context, run)
  }
}

/**
 * An answer still counts if the run holds its command since: `take` finds the command pending. Afterwards
 * the command is held again, unless it has ended.
 */
export function takeHeld<Taken>(
  context: Context,
  { enrollment, commandUUID: uuid }: Report,
  take: () => Taken,
): Taken {
  const isDuring = openSetup(context.state.device) !== undefined && enrollment.user === ''
  const row = isDuring && uuid !== undefined ? heldAfterHandOut(context.db, uuid) : undefined
  if (row === undefined) {
    return take()
  }
  endSetupHold(context, row)
  const taken = take()
  holdForRun(context.db, row)
  readQueue(context)
  return taken
}

/** Writes a run with the mark that the device's row has of it. */
export function keepRun(context: Context, run: SetupRun): void {
  const step = run.steps.find(({ state }) => !isOver(state))
  const dates = [run.deadline, step?.dueAt, step?.probeAt]
  const open = {
    run: run.run,
    epoch: run.epoch,
    state: run.state,
    lets: run.state === 'running' && step?.kind === 'declarations' ? step.kind : SETUP_SOURCE,
    wakeAt: wakeOf(context, run, dates),
  }
  saveRun(context, run, run.endedAt === 0 ? open : undefined)
}

function wakeOf(
  { now }: Context,
  { state, released }: SetupRun,
  dates: readonly (number | undefined)[],
): number {
  switch (state) {
    case 'running':
      return Math.min(...dates.filter((at): at is number => at !== undefined && at > now))
    case 'releasing':
      return released?.givenAt === undefined ? 0 : released.givenAt + RELEASE_SPAN
    default:
      return 0
  }
}

function goOn(context: Context, run: SetupRun): void {
  while (run.state === 'running') {
    const step = run.steps.find(({ state }) => !isOver(state))
    if (!step) {
      finishSteps(context, run)
      return
    }
    if (context.now >= run.deadline) {
      timeOutRest(context, run)
    } else if (step.state === 'waiting') {
      beginStep(context, run, step)
    } else {
      checkStep(context, run, step)
    }
    if (!isOver(step.state)) {
      return
    }
  }
  if (run.state === 'releasing') {
    checkRelease(context, run)
  }
}

function timeOutRest(context: Context, run: SetupRun): void {
  for (const step of run.steps.filter(({ state }) => !isOver(state))) {
    timeOutStep(context, step, AT_LIMIT)
  }
  recordSetup(context, run, 'setup.timed_out')
}

function takeAnswer(context: Context, run: SetupRun, { report, uuid, body }: SetupAnswer): void {
  const state = stateAfter(report)
  if (state === undefined || state === 'not_now') {
    return
  }
  if (run.released?.uuid === uuid && run.state === 'releasing') {
    noteReleased(context, run, state === 'acknowledged' ? '' : errorIn(body))
    return
  }
  const step = run.steps.find((one) => one.uuid === uuid || one.probe?.uuid === uuid)
  if (step?.probe?.uuid === uuid) {
    takeProbe(context, step, body)
  } else if (step) {
    takeStepAnswer(context, step, state, body)
  }
}

function takeStepAnswer(
  context: Context,
  step: SetupStep,
  state: ReturnType<typeof stateAfter>,
  body: Uint8Array,
): void {
  if (state !== 'acknowledged') {
    const note = errorIn(body) || 'the device answered with an error'
    Object.assign(step, { state: 'failed', note, endedAt: context.now })
  } else if (step.wait.kind === 'ack' || isOver(step.state)) {
    // An answer after the step's time still counts.
    Object.assign(step, { state: 'done', note: '', endedAt: context.now })
  } else {
    Object.assign(step, { state: 'watched', probeAt: context.now })
  }
}

const MOST_NOTE = 500

function errorIn(body: Uint8Array): string {
  return errorsIn(body).join('; ').slice(0, MOST_NOTE)
}

/** The device has answered DeviceConfigured. An error says that it did not wait any more. */
function noteReleased(context: Context, run: SetupRun, error: string): void {
  const channel = channelOf(context, '')
  channel.awaitingConfiguration = false
  endRun(context, run, 'released')
  recordSetup(context, run, 'setup.released', undefined, error)
}
