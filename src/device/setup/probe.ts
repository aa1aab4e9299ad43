/** Whether an app is there: a device answers InstallApplication as soon as the download begins. */
import { dictsIn, textAt } from '../../plist/dict.ts'
import { tryToRead } from '../../plist/error.ts'
import { readPlistTop } from '../../plist/read.ts'
import { writePlist } from '../../plist/write.ts'
import { cancelCommands } from '../queue/cancel.ts'
import { appendCommand } from '../queue/enqueue.ts'
import { channelOf } from '../store/channels.ts'
import type { Context } from '../store/context.ts'
import type { SetupRun, SetupStep } from '../store/rows/setup.ts'
import { SETUP_SOURCE } from '../store/setup-runs.ts'

const ASK_EVERY = 10_000
const LIST: ReadonlySet<string> = new Set(['InstalledApplicationList'])

/** Asks for the app, unless the device has not answered yet, or it was asked just now. */
export function askForApp(context: Context, run: SetupRun, step: SetupStep): void {
  const { wait, probe, probeAt = 0 } = step
  if (wait.kind !== 'installed' || probe || context.now < probeAt) {
    return
  }
  const uuid = `${run.uuid}-${run.steps.indexOf(step)}-${probeAt}`
  const number = appendCommand(context, channelOf(context, ''), {
    uuid,
    requestType: 'InstalledApplicationList',
    payload: writePlist({
      Command: { RequestType: 'InstalledApplicationList', Identifiers: [wait.identifier] },
      CommandUUID: uuid,
    }),
    secret: false,
    source: SETUP_SOURCE,
    by: { face: 'server' },
  })
  step.probe = { uuid, number }
}

/** Takes the list of apps. One that is still being installed is not there. */
export function takeProbe(context: Context, step: SetupStep, body: Uint8Array): void {
  const { wait } = step
  step.probe = undefined
  const list = tryToRead(() => readPlistTop(body, LIST, 'device'))?.['InstalledApplicationList']
  const isThere = dictsIn(list).some(
    (app) =>
      wait.kind === 'installed' &&
      textAt(app, 'Identifier') === wait.identifier &&
      app['Installing'] !== true,
  )
  if (isThere) {
    Object.assign(step, { state: 'done', note: '', endedAt: context.now })
  } else {
    Object.assign(step, {
      probeAt: context.now + ASK_EVERY,
      ...(wait.kind === 'installed' && { note: `the device does not list ${wait.identifier} yet` }),
    })
  }
}

/** The step is over: the answer is of no use. */
export function endProbe(context: Context, step: SetupStep): void {
  if (step.probe) {
    cancelCommands(context, channelOf(context, ''), [step.probe.number])
    step.probe = undefined
  }
}
