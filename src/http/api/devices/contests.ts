import { z } from '../zod.ts'
import type { DevicePage } from '../../../device/views/device.ts'
import type { Env } from '../../../env.ts'
import { reasonOf } from '../../../reason.ts'
import { warn } from '../../../log.ts'
import { RequestError } from '../../request-error.ts'
import { atEnrollment, deviceItself, idText } from '../device-id.ts'
import { answer, body, DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { iso, time } from '../values.ts'

/** Contested enrolments: an admin decides which of two is the device. */
export const contestRoutes = newRoutes()

const tags = ['Enrolment']
const MAX_IDS = 100
const EXAMPLE_ID = 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'
const UNREACHED = 'the device did not answer, and may be decided or not: send its id again'
const NOT_CONTESTED =
  'the enrolment is not contested, or a moved device has not called yet: there is nothing to decide. ' +
  'To undo a decision, reinstate a certificate of ' +
  'GET /api/devices/{id}/identities'
const DECISIONS = {
  new: 'admin',
  renewal: 'admin_renewal',
  earlier: 'admin_earlier',
} as const

/** The contest of an enrolment that is not proven. */
export const contestSchema = z
  .object({
    since: time,
    until: time,
    undecided: z
      .boolean()
      .openapi({ description: 'it may be a renewal: within a day this is known' }),
  })
  .nullable()
  .openapi({
    description:
      'the enrolment is not proven, and the one before it may come back: see decideEnrollments; after ' +
      '`until` the enrolment counts as proven',
  })

export function contestJson(contest: DevicePage['contest']): z.input<typeof contestSchema> {
  return contest ? { ...contest, since: iso(contest.since), until: iso(contest.until) } : null
}

const decision = z.enum(['new', 'renewal', 'earlier']).openapi({
  description:
    '`new`: the new enrolment is the device, which was set up again. `renewal`: it is the same device with ' +
    'a new certificate, and keeps its queue and escrow. `earlier`: the enrolment from before is the ' +
    'device, and the certificate of the new one is frozen.',
})
const outcome = z
  .object({
    id: z.string(),
    state: z.enum(['decided', 'not_contested', 'failed']),
    error: z.string().nullable().openapi({ description: 'why there was no decision' }),
  })
  .openapi('Decision')

const wanted = z.strictObject({
  ids: z
    .array(idText)
    .min(1)
    .max(MAX_IDS)
    .openapi({ description: `up to ${MAX_IDS} devices` }),
  decision,
})

contestRoutes.openapi(
  operation('decideEnrollments', 'post', '/enrollments/decide', {
    tags,
    summary: 'Decides for contested enrolments which one is the device',
    description:
      'If a certificate without proof enrols with the id of an enrolled device, the enrolment is ' +
      'contested: the event `enrollment.contested` reports it, and `GET /api/devices?contested=true` lists ' +
      'it. Destructive commands stay held after `new` and `renewal`.',
    body: body(wanted, { anew: { ids: [EXAMPLE_ID], decision: 'new' } }),
    answers: {
      200: answer('the outcome of each id', z.object({ outcomes: z.array(outcome) }), {
        outcomes: [{ id: EXAMPLE_ID, state: 'decided', error: null }],
      }),
    },
  }),
  async (c) => {
    const { ids, decision: word } = c.req.valid('json')
    const outcomes = [...new Set(ids)].map((id) => decide(c.env, id, DECISIONS[word]))
    return c.json({ outcomes: await Promise.all(outcomes) }, 200)
  },
)

async function decide(
  env: Env,
  id: string,
  by: (typeof DECISIONS)[keyof typeof DECISIONS],
): Promise<z.infer<typeof outcome>> {
  try {
    const { id: device } = await deviceItself(env, id)
    return (await env.DEVICE.getByName(device).decide(by))
      ? { id, state: 'decided', error: null }
      : { id, state: 'not_contested', error: NOT_CONTESTED }
  } catch (error) {
    if (error instanceof RequestError) {
      return { id, state: 'failed', error: error.message }
    }
    warn('contest:decision-failed', { device: id, reason: reasonOf(error) })
    return { id, state: 'failed', error: UNREACHED }
  }
}

contestRoutes.openapi(
  operation('requeueCommands', 'post', '/devices/{id}/commands/requeue', {
    tags: ['Commands'],
    summary: 'Queues commands again that an enrolment superseded within the last seven days',
    description:
      'For a device that was mistaken for another one. Each command keeps its id; an expired command stays ' +
      'expired.',
    params: DEVICE_PARAMS,
    answers: { 200: answer('how many', z.object({ requeued: z.int() }), { requeued: 2 }) },
    problems: NO_DEVICE,
  }),
  async (c) => {
    const { requeued } = await atEnrollment(c.env, c.req.valid('param').id, (device, address) =>
      device.requeue(address),
    )
    return c.json({ requeued }, 200)
  },
)
