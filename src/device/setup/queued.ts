import { queueCommandOnce, type Queued } from '../queue/enqueue.ts'
import { endSetupHold } from '../queue/held.ts'
import type { NewCommand } from '../store/commands/new-command.ts'
import { rowOf } from '../store/commands/ids.ts'
import type { Context } from '../store/context.ts'
import { openSetup, readRun } from '../store/setup-runs.ts'
import { keepRun } from './advance.ts'
import { DEVICE_CONFIGURED } from './finish.ts'
import { timeOutStep } from './steps.ts'
import { isOver } from './words.ts'

/**
 * Queues a command. A DeviceConfigured of an admin is the release of the open run: the device gets no second
 * one, and what the run still had goes out after it.
 */
export function queueWithSetup(
  context: Context,
  user: string,
  command: NewCommand,
  since: number | undefined,
): Queued {
  const queued = queueCommandOnce(context, user, command, since)
  if (
    queued.kind === 'queued' &&
    !queued.repeated &&
    user === '' &&
    command.requestType === DEVICE_CONFIGURED
  ) {
    takeRelease(context, command.uuid, Number(queued.id.slice(queued.id.lastIndexOf('.') + 1)))
  }
  return queued
}

function takeRelease(context: Context, uuid: string, number: number): void {
  const mark = openSetup(context.state.device)
  const run = mark && readRun(context, mark.run)
  if (!run || run.state === 'releasing') {
    return
  }
  for (const step of run.steps.filter(({ state }) => !isOver(state))) {
    timeOutStep(context, step, 'an admin released the device')
  }
  Object.assign(run, { state: 'releasing', released: { number, uuid } })
  endSetupHold(context, rowOf({ id: 0 }, number))
  keepRun(context, run)
}
