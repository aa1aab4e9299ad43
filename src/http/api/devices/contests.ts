import { createRoute, z } from '@hono/zod-openapi'
import type { DevicePage } from '../../../device/views/device.ts'
import { reasonOf, warn } from '../../../log.ts'
import { AdminError, atDevice } from '../../at-device.ts'
import { deviceItself, idText } from '../device-id.ts'
import { answer, body, deviceId, refusal } from '../operation.ts'
import { iso, time } from '../values.ts'
import { newRoutes } from '../routes.ts'

/** Contested enrolments: which of two is the device, by an admin's word. */
export const contestRoutes = newRoutes()

const tags = ['Enrolment']
const MAX_IDS = 100
const UNREACHED = 'the device could not be asked, and may be decided or not: send its id again'
const NOT_CONTESTED =
  'nothing is open: to go back on a decision, reinstate a certificate of GET /api/devices/{id}/identities'
const DECISIONS = {
  new: 'admin',
  renewal: 'admin_renewal',
  earlier: 'admin_earlier',
} as const

/** That of a device whose enrolment is contested. */
export const contestSchema = z
  .object({
    since: time,
    until: time,
    undecided: z.boolean().openapi({ description: 'it may be a renewal: that shows within a day' }),
  })
  .nullable()
  .openapi({
    description:
      'its enrolment is not proven, and the one before it may come back: see decideEnrollments; after `until` it counts as proven',
  })

export function contestJson(contest: DevicePage['contest']): z.input<typeof contestSchema> {
  return contest ? { ...contest, since: iso(contest.since), until: iso(contest.until) } : null
}

const decision = z.enum(['new', 'renewal', 'earlier']).openapi({
  description:
    '`new`: the new enrolment is the device, set up anew. `renewal`: it is the same device with a new certificate, and keeps its queue and escrow. `earlier`: the enrolment from before is the device, and the certificate of the new one is frozen.',
})
const outcome = z
  .object({
    id: z.string(),
    state: z.enum(['decided', 'not_contested', 'failed']),
    error: z.string().nullable().openapi({ description: 'why nothing was decided' }),
  })
  .openapi('Decision')

contestRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/enrollments/decide',
    operationId: 'decideEnrollments',
    tags,
    summary: 'Decides for contested enrolments which one is the device',
    description:
      'A certificate without proof that enrols with the id of a device that is enrolled begins a contested enrolment: the event `enrollment.contested` tells of it, and `GET /api/devices?contested=true` lists them. Commands that lose data stay held after `new` and `renewal`.',
    request: {
      body: body(
        z.strictObject({
          ids: z
            .array(idText)
            .min(1)
            .max(MAX_IDS)
            .openapi({ description: `up to ${MAX_IDS} devices` }),
          decision,
        }),
        {
          anew: { ids: ['E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'], decision: 'new' },
        },
      ),
    },
    responses: {
      200: answer('the outcome of each id', z.object({ outcomes: z.array(outcome) }), {
        outcomes: [{ id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01', state: 'decided', error: null }],
      }),
    },
  }),
  async (c) => {
    const { ids, decision: decided } = c.req.valid('json')
    const decide = async (id: string): Promise<z.infer<typeof outcome>> => {
      try {
        const { id: device } = await deviceItself(c.env, id)
        const done = await c.env.DEVICE.getByName(device).decide(DECISIONS[decided])
        return done
          ? { id, state: 'decided', error: null }
          : { id, state: 'not_contested', error: NOT_CONTESTED }
      } catch (error) {
        if (error instanceof AdminError) {
          return { id, state: 'failed', error: error.message }
        }
        warn('contest:decision-failed', { device: id, reason: reasonOf(error) })
        return { id, state: 'failed', error: UNREACHED }
      }
    }
    return c.json({ outcomes: await Promise.all([...new Set(ids)].map(decide)) }, 200)
  },
)

contestRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/commands/requeue',
    operationId: 'requeueCommands',
    tags: ['Commands'],
    summary: 'Queues commands again that an enrolment superseded within the last seven days',
    description:
      'For a device that was taken for another. Each command keeps its id; one that has expired stays out.',
    request: { params: z.object({ id: deviceId }) },
    responses: {
      200: answer('how many', z.object({ requeued: z.int() }), { requeued: 2 }),
      404: refusal('nothing is known of such an enrolment'),
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const done = await atDevice(c.env, id, (device, address) => device.requeue(address))
    if (done.kind === 'unknown') {
      throw new AdminError(`nothing is known of an enrolment with the id ${id}`, 'device_not_found')
    }
    return c.json({ requeued: done.requeued }, 200)
  },
)
