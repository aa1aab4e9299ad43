import { createRoute, z } from '@hono/zod-openapi'
import type { Replay } from '../../device/replay.ts'
import type { Env } from '../../env.ts'
import { TOPICS } from '../../events/topics.ts'
import { VAR_WEBHOOK } from '../../events/webhook.ts'
import { AdminError, atDevice } from '../at-device.ts'
import { answer, body, newRoutes, refusal } from './frame.ts'
import { webhookOf } from './webhook-access.ts'

/** Events that a webhook gets again, or gets at last (peers.md §4, row 1). */
export const replays = newRoutes()

/** Each may take two calls of the fifty that the free plan allows. */
const MAX_DEVICES = 20
const DEVICE = 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'

const request = z.strictObject({
  webhook: z.string(),
  devices: z
    .array(z.string())
    .min(1)
    .max(MAX_DEVICES)
    .openapi({ description: 'UDID, EnrollmentID, UDID:UserID or a bare UserID' }),
  events: z
    .array(z.string())
    .min(1)
    .max(1000)
    .optional()
    .openapi({ description: 'event ids, whatever the webhook’s filter says' }),
  topics: z
    .array(z.enum(TOPICS))
    .optional()
    .openapi({ description: 'instead of the webhook’s own' }),
  statuses: z
    .array(z.string())
    .nullable()
    .optional()
    .openapi({ description: 'of reports, instead of the webhook’s own; null for all' }),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  force: z
    .boolean()
    .default(false)
    .openapi({ description: 'needed for the webhook of WEBHOOK_URL' }),
  dry_run: z.boolean().default(false).openapi({ description: 'only counts' }),
})
const outcome = z.object({
  id: z.string(),
  events: z.int().optional(),
  error: z.string().optional(),
})

replays.openapi(
  createRoute({
    method: 'post',
    path: '/replays',
    operationId: 'replay',
    tags: ['Deliveries'],
    summary: 'Posts kept events of devices to a webhook again',
    description:
      'In the order of each device, beside its line, with the same `event_id` and `"replay": true`. What KEEP_EVENTS keeps can be replayed, also to a webhook that was not there when it happened. What still waits for the webhook, or is a dead letter of it, is left alone.',
    request: {
      body: body(request, {
        device: { webhook: 'webhook', devices: [DEVICE], dry_run: true },
        time: {
          webhook: 'webhook',
          devices: [DEVICE],
          topics: ['mdm.Connect'],
          from: '2026-11-24T09:00:00Z',
          to: '2026-11-24T10:00:00Z',
          force: true,
        },
      }),
    },
    responses: {
      202: answer(
        'how many events of each device are on their way',
        z.object({ events: z.int(), outcomes: z.array(outcome) }),
        { events: 3, outcomes: [{ id: DEVICE, events: 3 }] },
      ),
      404: refusal('no such webhook'),
      409: refusal('the webhook of WEBHOOK_URL, without `force`'),
    },
  }),
  async (c) => {
    const { webhook: id, devices, force, ...order } = c.req.valid('json')
    const webhook = await webhookOf(c.env, c.var.config, id)
    if (id === VAR_WEBHOOK && !force && !order.dry_run) {
      throw new AdminError(
        'receivers written for MicroMDM take a replayed event for a new one, and a replayed Authenticate resets the device in mdmdirector: say "force": true if yours does not',
        409,
      )
    }
    const { topics = webhook.topics, statuses = webhook.statuses } = order
    const replay: Replay = {
      subscriber: id,
      events: order.events ?? null,
      filter: { topics, statuses },
      from: order.from === undefined ? 0 : Date.parse(order.from),
      to: order.to === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(order.to),
      dryRun: order.dry_run,
    }
    const outcomes = await Promise.all(devices.map((device) => replayAt(c.env, device, replay)))
    const events = outcomes.reduce((sum, one) => sum + (one.events ?? 0), 0)
    return c.json({ events, outcomes }, 202)
  },
)

/** One device's part, and all that a job over the fleet would have to do for each of its targets. */
async function replayAt(env: Env, id: string, order: Replay): Promise<z.input<typeof outcome>> {
  try {
    const { events } = await atDevice(env, id, async (device, user) => device.replay(user, order))
    return { id, events }
  } catch (error) {
    if (error instanceof AdminError) {
      return { id, error: error.message }
    }
    throw error
  }
}
