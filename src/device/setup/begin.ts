/** How a run begins: the device enrols, then the Worker reads the blueprints. */
import type { SetupPlan } from '../../blueprints/plan.ts'
import type { DeviceFacts } from '../../mdm/message.ts'
import { appendCommand } from '../queue/enqueue.ts'
import { DURING_SETUP } from '../queue/held.ts'
import { provesOwnSerial } from '../standing/serial-claim.ts'
import { channelOf } from '../store/channels.ts'
import { wakeBy, type Context } from '../store/context.ts'
import type { SetupRun, SetupStep } from '../store/rows/setup.ts'
import { holdOthers } from '../store/commands/setup.ts'
import {
  isSetupKept,
  listRuns,
  openSetup,
  readRun,
  saveRun,
  SETUP_SOURCE,
} from '../store/setup-runs.ts'
import { advanceSetup, keepRun } from './advance.ts'
import { recordSetup } from './events.ts'
import { endRun, supersedeRun } from './finish.ts'
import { keepPassword } from './password.ts'

/** How often the alarm asks for the blueprints again. */
const ASK_EVERY = 60_000
/** How many reads a device may cause in a row. */
const IN_A_ROW = 10
/** The time limit while no blueprint sets one. */
const NO_LIMIT = 900_000

/** What the blueprints of a device depend on. */
export interface SetupFacts {
  readonly run: number
  readonly facts: DeviceFacts
  readonly serialProven: boolean
  readonly params: Readonly<Record<string, string>>
  readonly awaiting: boolean
  /** It has not enrolled here before. */
  readonly isFirst: boolean
  /** The address of the server that the device called, without a path. */
  readonly origin: string
}

/**
 * The device has enrolled, and there may be blueprints for it. It gets no command until they are read: a
 * device that is released without them leaves Setup Assistant unfinished.
 */
export function noteSetup(
  context: Context,
  { awaiting, params, origin }: Pick<SetupRun, 'awaiting' | 'params' | 'origin'>,
): void {
  const { state, now } = context
  const { device } = state
  supersedeSetup(context)
  const run: SetupRun = {
    run: (device.setups ?? 0) + 1,
    epoch: device.epoch,
    uuid: '',
    state: 'pending',
    awaiting,
    again: device.epoch > 1,
    params,
    origin,
    startedAt: now,
    deadline: now + NO_LIMIT,
    endedAt: 0,
    blueprints: [],
    release: 'always',
    steps: [],
  }
  const { epoch } = device
  saveRun(context, run, {
    run: run.run,
    epoch,
    state: 'pending',
    lets: SETUP_SOURCE,
    wakeAt: now + ASK_EVERY,
  })
  holdOthers(context.db, DURING_SETUP)
  state.queues.delete(0)
  wakeBy(context, now + ASK_EVERY)
}

/** The alarm of an open run; 0 for none. `isDue`: the Worker has to read the blueprints. */
export function setupAlarm(context: Context): { readonly at: number; readonly isDue: boolean } {
  const mark = openSetup(context.state.device)
  const isDue = mark?.state === 'pending' && mark.wakeAt <= context.now
  return { at: isDue ? context.now + ASK_EVERY : (mark?.wakeAt ?? 0), isDue }
}

/**
 * {@link setupDue}, as long as the device has not used up its share: the blueprints are read from the
 * directory, and a password may be made. A run whose turn has not come stays pending: the alarm begins it.
 */
export function takeSetupTurn(context: Context): SetupFacts | undefined {
  const { state, now } = context
  const until = Math.max(state.setupsUntil, now) + ASK_EVERY
  const due = until - now > IN_A_ROW * ASK_EVERY ? undefined : setupDue(context)
  if (due) {
    state.setupsUntil = until
  }
  return due
}

/**
 * A contest has ended, and the enrolment is served again whose setup it interrupted: the setup begins anew.
 */
export function beginInterrupted(context: Context): void {
  const { device } = context.state
  if (device.interrupted === device.epoch && device.state === 'enrolled') {
    device.interrupted = undefined
    const run = listRuns(context).find(({ epoch }) => epoch === device.epoch)
    if (run) {
      noteSetup(context, run)
    }
  }
}

/** What the Worker needs to read the blueprints; `undefined` if they are read. */
export function setupDue(context: Context): SetupFacts | undefined {
  const { device } = context.state
  const mark = openSetup(device)
  const run = mark?.state === 'pending' ? readRun(context, mark.run) : undefined
  return run && factsOf(context, run)
}

/** What the blueprints of the last run depend on; `undefined` without a run. */
export function lastFacts(context: Context): SetupFacts | undefined {
  const [run] = listRuns(context)
  return run && factsOf(context, run)
}

function factsOf(context: Context, { run, awaiting, again, params, origin }: SetupRun): SetupFacts {
  const { facts } = context.state.device
  const serialProven = provesOwnSerial(context.state)
  return { run, facts, serialProven, params, awaiting, isFirst: !again, origin }
}

export interface SetupTerms {
  readonly run: number
  /** Names the commands of the run. */
  readonly uuid: string
}

/** The blueprints are read. @returns whether the run was waiting for them */
export function beginSetup(
  context: Context,
  plan: SetupPlan | undefined,
  { run: number, uuid }: SetupTerms,
): boolean {
  const mark = openSetup(context.state.device)
  const run =
    mark?.state === 'pending' && mark.run === number ? readRun(context, number) : undefined
  if (!run) {
    return false
  }
  const releases = run.awaiting && context.settings.autoDeviceConfigured
  if (!plan && !releases) {
    endRun(context, run, 'none')
    keepRun(context, run)
    recordSetup(context, run, 'setup.none')
    return true
  }
  const { blueprints = [], timeLimitMs = NO_LIMIT, release = 'always', steps = [] } = plan ?? {}
  Object.assign(run, {
    uuid,
    state: 'running',
    deadline: run.startedAt + timeLimitMs,
    blueprints,
    release,
    // A run of minutes, not of the whole limit, remains if the blueprints came late.
    ...(context.now > run.startedAt + timeLimitMs / 2 && { deadline: context.now + timeLimitMs }),
  })
  run.steps = steps.map((step) => queueStep(context, run, step))
  keepRun(context, run)
  recordSetup(context, run, plan ? 'setup.started' : 'setup.none')
  advanceSetup(context)
  return true
}

/** The command of a step waits in the queue, so that nothing more has to be read for it. */
export function queueStep(
  context: Context,
  run: SetupRun,
  { command, ...step }: SetupPlan['steps'][number],
): SetupStep {
  const isDone = wasDone(context, run, step)
  const open: SetupStep = {
    ...step,
    state: isDone ? 'skipped' : 'waiting',
    startedAt: 0,
    dueAt: 0,
    endedAt: isDone ? context.now : 0,
    note: isDone ? 'it was done in the enrolment before' : '',
  }
  if (!command || isDone) {
    return open
  }
  const { uuid, password } = command
  if (password !== undefined) {
    keepPassword(context, password)
  }
  const entry = appendCommand(context, channelOf(context, ''), {
    ...command,
    source: SETUP_SOURCE,
    heldFor: 'setup',
    by: { face: 'server' },
  })
  return { ...open, entry, uuid }
}

/** Whether a device that enrols again has what a step brings. */
function wasDone(
  context: Context,
  run: SetupRun,
  { onlyIfChanged, fingerprint }: Pick<SetupStep, 'onlyIfChanged' | 'fingerprint'>,
): boolean {
  return (
    onlyIfChanged === true &&
    fingerprint !== undefined &&
    listRuns(context).some(
      (one) =>
        one.run < run.run &&
        one.steps.some((step) => step.state === 'done' && step.fingerprint === fingerprint),
    )
  )
}

/** The enrolment of the open run is over, or interrupted: the first one of a contest may come back. */
export function supersedeSetup(context: Context): void {
  const { device } = context.state
  const { setup, contest, interrupted } = device
  if (isSetupKept(device) && !contest?.earlier.includes(interrupted ?? 0)) {
    device.interrupted = setup?.epoch
  }
  const run = setup && readRun(context, setup.run)
  if (run) {
    supersedeRun(context, run)
    saveRun(context, run, undefined)
  }
}
