import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import type { SetupReply, SetupRequest } from '../../../device/setup/requests.ts'
import type { Env } from '../../../env.ts'
import { beginSetupOf, setupPlanOf } from '../../../setup/begin.ts'
import { noteAudit } from '../../access/audited.ts'
import type { AppContext } from '../../app-env.ts'
import { baseUrl } from '../../host.ts'
import { RequestError } from '../../request-error.ts'
import { faultOfDeviceId } from '../../../mdm/enrollment.ts'
import { deviceId, unknownEnrollment } from '../device-id.ts'
import { permitRepetition } from '../blueprints/permit.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, body, NO_DEVICE, operation } from '../operation.ts'
import { listOf, wholeList } from '../paging.ts'
import { RUN_EXAMPLE, runJson, runSchema } from './schema.ts'

/** The setup of a device: what it gets when it enrols, and how far that is (docs/blueprints.md). */
export const setupRoutes = newRoutes()

const tags = ['Setup']
/** The setup is that of a whole device. */
export const DEVICE_ITSELF = {
  id: deviceId.superRefine((id, context) => {
    const fault = faultOfDeviceId(id)
    if (fault !== undefined) {
      context.addIssue(fault)
    }
  }),
}
export const NOT_NOW = { ...NO_DEVICE, 409: 'it is not possible now: the text says why' }

setupRoutes.openapi(
  operation('listSetups', 'get', '/devices/{id}/setup', {
    tags,
    summary: 'Lists the last five setups of a device with their steps, newest first',
    params: DEVICE_ITSELF,
    answers: { 200: listOf('the setups', runSchema, RUN_EXAMPLE) },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const view = await askSetup(c.env, id, { kind: 'view' })
    const runs = view.kind === 'runs' ? view.runs : []
    return c.json(wholeList(runs.map((run) => runJson(id, run, clock.now()))), 200)
  },
)

const act = z.strictObject({
  action: z.enum(['release', 'signal', 'skip', 'retry', 'restart']).openapi({
    description:
      '`release`: the device leaves Setup Assistant now. `signal`: the step that waits for one is done. ' +
      '`skip`: a step is not done. `retry`: a step that is over is done again. `restart`: all of it begins ' +
      'again, with the blueprints of now',
  }),
  step: z.int().min(0).optional().openapi({
    description:
      'the number of the step: of `skip` the one under way if left out; of `retry` needed',
  }),
})

setupRoutes.openapi(
  operation('steerSetup', 'post', '/devices/{id}/setup', {
    tags,
    summary: 'Releases a device that is being set up, or skips, repeats or restarts its steps',
    description:
      '`retry` and `restart` need the scope `destructive` if a blueprint has a command that needs it.',
    params: DEVICE_ITSELF,
    body: body(act, { release: { action: 'release' } }),
    answers: { 200: answer('the setup as it is now', runSchema, RUN_EXAMPLE) },
    problems: NOT_NOW,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { action, step } = c.req.valid('json')
    if (action === 'retry' || action === 'restart') {
      await permitRepetition(c)
    }
    noteAudit(c, { action, ...(step !== undefined && { step }) })
    const reply = await ACTIONS[action](c, id, step)
    if (reply.kind === 'run') {
      return c.json(runJson(id, reply.run, clock.now()), 200)
    }
    throw refusalOf(reply)
  },
)

type Asked = Awaited<ReturnType<typeof askSetup>>
type Act = (c: AppContext, id: string, step: number | undefined) => Promise<Asked>

const ACTIONS: Readonly<Record<z.output<typeof act>['action'], Act>> = {
  release: ({ env }, id) => askSetup(env, id, { kind: 'release' }),
  signal: ({ env }, id) => askSetup(env, id, { kind: 'signal' }),
  skip: ({ env }, id, step) => askSetup(env, id, { kind: 'skip', step }),
  async retry({ env }, id, step) {
    if (step === undefined) {
      throw new RequestError(
        '`step` is missing: which step is to be done again?',
        'invalid_request',
      )
    }
    const reply = await askSetup(env, id, { kind: 'facts' })
    const facts = reply.kind === 'due' ? reply.facts : undefined
    const plan = facts && (await setupPlanOf(env, id, facts))
    return askSetup(env, id, { kind: 'retry', step, plan })
  },
  async restart(c, id) {
    const reply = await askSetup(c.env, id, { kind: 'restart', origin: baseUrl(c) })
    if (reply.kind !== 'due' || !reply.facts) {
      return reply
    }
    await beginSetupOf(c.env, id, reply.facts)
    const view = await askSetup(c.env, id, { kind: 'view' })
    const [run] = view.kind === 'runs' ? view.runs : []
    return run ? { kind: 'run', run } : view
  },
}

/** Asks the object of a device. @throws RequestError for an id of no device */
export async function askSetup(env: Env, id: string, request: SetupRequest) {
  const reply: SetupReply = await env.DEVICE.getByName(id).setup(request)
  if (reply.kind === 'unknown') {
    throw unknownEnrollment(id)
  }
  return reply
}

/** The problem of a reply that refuses. */
export function refusalOf(reply: SetupReply): RequestError {
  const error = reply.kind === 'refused' ? reply.error : 'the device has not been set up here'
  return new RequestError(error, 'setup_refused')
}
