import type { SetupPlan } from '../../blueprints/plan.ts'
import { channelOf } from '../store/channels.ts'
import type { NewCommand } from '../store/commands/new-command.ts'
import type { Context } from '../store/context.ts'
import type { SetupRun } from '../store/rows/setup.ts'
import { openSetup, readRun } from '../store/setup-runs.ts'
import { advanceSetup, keepRun } from './advance.ts'
import {
  beginSetup,
  lastFacts,
  noteSetup,
  setupDue,
  type SetupFacts,
  type SetupTerms,
} from './begin.ts'
import { rotatePassword } from './password.ts'
import { retryStep } from './retry.ts'
import { endRun, releaseFromSetup } from './finish.ts'
import { skipStep } from './steps.ts'
import { viewSetup, type SetupView } from './view.ts'
import { isDone, isOver } from './words.ts'

/** What the Worker or an admin does with the setup of a device. */
export type SetupRequest =
  | { readonly kind: 'view' }
  /** What the blueprints depend on, if they have to be read. */
  | { readonly kind: 'due' }
  /** The same of the last run, for a step that is to be done again. */
  | { readonly kind: 'facts' }
  | ({ readonly kind: 'begin'; readonly plan: SetupPlan | undefined } & SetupTerms)
  /** A new run, with the blueprints of now. `origin`: the address of the server, if no run has it. */
  | { readonly kind: 'restart'; readonly origin: string }
  /** The device leaves Setup Assistant at once. */
  | { readonly kind: 'release' }
  /** The step that waits for a signal is done. */
  | { readonly kind: 'signal' }
  /** The step that is under way is skipped, or the one of a number. */
  | { readonly kind: 'skip'; readonly step?: number | undefined }
  /** A step is done again, with its command as the blueprints have it now. */
  | { readonly kind: 'retry'; readonly step: number; readonly plan: SetupPlan | undefined }
  /** The account of this device gets another password. */
  | { readonly kind: 'rotate'; readonly command: NewCommand; readonly password: string }

export type SetupReply =
  | SetupView
  /** No device has enrolled with this id. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'queued'; readonly id: string }
  | { readonly kind: 'due'; readonly facts: SetupFacts | undefined }
  | { readonly kind: 'begun'; readonly begun: boolean }
  /** Done; the run as it is now. */
  | { readonly kind: 'run'; readonly run: SetupRun }
  /** It is not possible now; the text says why. */
  | { readonly kind: 'refused'; readonly error: string }

const NO_RUN = 'the device is not being set up: there is no open run'
const WAITS =
  'no blueprint was for the device when it enrolled, so there is nothing to skip: send it the command ' +
  'DeviceConfigured, which releases it, or store a blueprint for it and send the action restart'

export function answerSetup(context: Context, request: SetupRequest): SetupReply {
  if (context.state.device.state === 'unknown') {
    return { kind: 'unknown' }
  }
  switch (request.kind) {
    case 'view':
      return viewSetup(context)
    case 'due':
      return { kind: 'due', facts: setupDue(context) }
    case 'begin':
      return { kind: 'begun', begun: beginSetup(context, request.plan, request) }
    case 'restart':
      return restart(context, request)
    case 'facts':
      return { kind: 'due', facts: lastFacts(context) }
    case 'rotate':
      return rotatePassword(context, request)
    case 'retry':
      return retryStep(context, request)
    case 'release':
    case 'signal':
    case 'skip':
      return steer(context, request)
  }
}

function restart(context: Context, request: { readonly origin: string }): SetupReply {
  const { device } = context.state
  if (device.state !== 'enrolled') {
    return { kind: 'refused', error: 'the device is not enrolled: its setup begins when it enrols' }
  }
  const before = viewSetup(context).runs[0]
  const awaiting = channelOf(context, '').awaitingConfiguration
  const { params = {}, origin = request.origin } = before ?? {}
  noteSetup(context, { awaiting, params, origin })
  return { kind: 'due', facts: setupDue(context) }
}

function steer(
  context: Context,
  request: Extract<SetupRequest, { kind: 'release' | 'signal' | 'skip' }>,
): SetupReply {
  const mark = openSetup(context.state.device)
  const run = mark && readRun(context, mark.run)
  if (!run) {
    const hasNone = viewSetup(context).runs[0]?.state === 'none'
    const waits = hasNone && channelOf(context, '').awaitingConfiguration
    return { kind: 'refused', error: waits ? WAITS : NO_RUN }
  }
  const error = ACTIONS[request.kind](context, run, 'step' in request ? request.step : undefined)
  if (error !== undefined) {
    return { kind: 'refused', error }
  }
  keepRun(context, run)
  advanceSetup(context)
  return { kind: 'run', run: readRun(context, run.run) ?? run }
}

type Action = (context: Context, run: SetupRun, step: number | undefined) => string | undefined

/** @returns why it is not possible; `undefined` when it is done */
const ACTIONS: Readonly<Record<'release' | 'signal' | 'skip', Action>> = {
  release(context, run) {
    if (run.state === 'releasing') {
      return 'the device has not answered DeviceConfigured yet: it is with the device, or waits for it'
    }
    for (const step of run.steps.filter(({ state }) => !isOver(state))) {
      skipStep(context, step, 'an admin released the device')
    }
    if (run.awaiting) {
      run.uuid ||= `${context.name}-${run.run}`
      releaseFromSetup(context, run)
    } else {
      endRun(context, run, 'finished')
    }
    return undefined
  },
  signal(context, run) {
    const step = run.steps.find(({ state }) => !isOver(state))
    if (step?.wait.kind !== 'signal' || step.state !== 'watched') {
      return 'no step waits for a signal now'
    }
    Object.assign(step, { state: 'done', endedAt: context.now })
    return undefined
  },
  skip(context, run, number) {
    const step =
      number === undefined ? run.steps.find(({ state }) => !isOver(state)) : run.steps[number]
    if (!step || isDone(step.state)) {
      return number === undefined
        ? 'no step is under way'
        : `step ${number} is over, or does not exist`
    }
    skipStep(context, step, 'an admin skipped it')
    return undefined
  },
}
