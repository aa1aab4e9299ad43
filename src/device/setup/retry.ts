import type { SetupPlan } from '../../blueprints/plan.ts'
import type { Context } from '../store/context.ts'
import type { SetupRun, SetupStep } from '../store/rows/setup.ts'
import { openSetup, readRun } from '../store/setup-runs.ts'
import { advanceSetup, keepRun } from './advance.ts'
import { queueStep } from './begin.ts'
import { skipStep } from './steps.ts'
import { isOver } from './words.ts'

export type RetriedStep =
  | { readonly kind: 'run'; readonly run: SetupRun }
  | { readonly kind: 'refused'; readonly error: string }

/** Does a step again that is over. The blueprints may have changed: its command is that of now. */
export function retryStep(
  context: Context,
  { step: number, plan }: { readonly step: number; readonly plan: SetupPlan | undefined },
): RetriedStep {
  const mark = openSetup(context.state.device)
  const run = mark && readRun(context, mark.run)
  if (run?.state !== 'running' && run?.state !== 'held') {
    return refuse('the setup is over, or has not begun: restart it')
  }
  const before = run.steps[number]
  if (!before || !isOver(before.state)) {
    return refuse(before ? `step ${number} is not over yet` : `there is no step ${number}`)
  }
  const isSame = ({ kind, subject }: Pick<SetupStep, 'kind' | 'subject'>): boolean =>
    kind === before.kind && subject === before.subject
  const place = run.steps.slice(0, number).filter(isSame).length
  const planned = plan?.steps.filter(isSame)[place]
  if (!planned) {
    return refuse(`the blueprints of the device have no such step any more: ${before.subject}`)
  }
  skipStep(context, before, '')
  run.steps[number] = queueStep(context, run, planned)
  run.deadline = Math.max(run.deadline, context.now + planned.timeoutMs)
  run.state = 'running'
  keepRun(context, run)
  advanceSetup(context)
  return { kind: 'run', run: readRun(context, run.run) ?? run }
}

function refuse(error: string): RetriedStep {
  return { kind: 'refused', error }
}
