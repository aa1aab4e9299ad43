import { createRoute, z } from '@hono/zod-openapi'
import { clock } from '../../clock.ts'
import { REPORT_STATUSES } from '../../mdm/message.ts'
import type { Config } from '../../config.ts'
import type { Replay } from '../../device/replay.ts'
import type { JobView } from '../../delivery/job.ts'
import { addJob } from '../../directory/jobs.ts'
import type { Env } from '../../env.ts'
import { TOPICS } from '../../events/topics.ts'
import { VAR_WEBHOOK, type Webhook } from '../../events/webhook.ts'
import { AdminError, atDevice } from '../at-device.ts'
import { answer, body, newRoutes, refusal } from './frame.ts'
import { jobJson, jobSchema } from './job-json.ts'
import { moment } from './moment.ts'
import {
  checkNumber,
  deviceFilter,
  MAX_TARGETS,
  SMALL,
  targetsMeant,
  targetsNamed,
  type Targets,
} from './targets.ts'
import { activeWebhook, webhookOf } from './webhook-access.ts'
import { OwnError } from '../../reason.ts'

/** Events that a webhook gets again, or gets at last (peers.md §4, row 1). */
export const replays = newRoutes()

const DEVICE = 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'

const fields = z.strictObject({
  webhook: z.string(),
  devices: z
    .array(z.string())
    .min(1)
    .max(MAX_TARGETS)
    .optional()
    .openapi({ description: 'UDID, EnrollmentID, UDID:UserID or a bare UserID' }),
  filter: deviceFilter.optional(),
  all: z
    .literal(true, 'has to be true, or left out')
    .optional()
    .openapi({ description: 'every enrolled device' }),
  pace: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .openapi({ description: 'devices a minute; makes a job of it' }),
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
    .array(z.enum(REPORT_STATUSES))
    .nullable()
    .optional()
    .openapi({ description: 'of reports, instead of the webhook’s own; null for all' }),
  from: moment.optional(),
  to: moment.optional(),
  force: z
    .boolean()
    .default(false)
    .openapi({ description: 'needed for the webhook of WEBHOOK_URL' }),
  dry_run: z.boolean().default(false).openapi({ description: 'only counts' }),
})
const request = fields
  .refine(
    ({ devices, filter, all }) =>
      [devices, filter, all].filter((one) => one !== undefined).length === 1,
    'name the devices in one way: `devices`, `filter` or `all`',
  )
  .refine(
    ({ from = 0, to = Number.MAX_SAFE_INTEGER }) => from <= to,
    '`from` lies behind `to`: no event can be between them',
  )
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
      'In the order of each device, beside its line, with the same `event_id` and `"replay": true`. What KEEP_EVENTS keeps can be replayed, also to a webhook that was not there when it happened. What still waits for the webhook, or is a dead letter of it, is left alone. Up to 20 devices without a pace are done within the call; more are a job. An Idempotency-Key is refused: events that come twice have the same `event_id`.',
    request: {
      body: body(request, {
        device: { webhook: 'webhook', devices: [DEVICE], dry_run: true },
        all: { webhook: 'webhook', all: true, topics: ['mdm.CheckOut'], pace: 600, force: true },
        filter: { webhook: 'webhook', filter: { platform: 'macOS', os: '15' }, force: true },
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
        'how many events of each device are on their way, or the job that finds out',
        z.object({ events: z.int(), outcomes: z.array(outcome), job: jobSchema.optional() }),
        { events: 3, outcomes: [{ id: DEVICE, events: 3 }] },
      ),
      404: refusal('no such webhook'),
      409: refusal(
        'the webhook of WEBHOOK_URL, without `force`; one that is switched off, or whose key is missing',
      ),
    },
  }),
  async (c) => {
    withoutKey(c.req.header('idempotency-key'))
    const { webhook: id, devices, filter = {}, force, pace = 0, ...order } = c.req.valid('json')
    const webhook = await receiverOf(c.env, c.var.config, id, { force, dryRun: order.dry_run })
    const { topics = webhook.topics, statuses = webhook.statuses } = order
    const replay: Replay = {
      subscriber: id,
      events: order.events ?? null,
      filter: { topics, statuses },
      from: order.from ?? 0,
      to: order.to ?? Number.MAX_SAFE_INTEGER,
      dryRun: order.dry_run,
    }
    const targets = devices ? targetsNamed(devices) : await targetsMeant(c.env.DB, filter)
    checkNumber(targets)
    if (targets.ids.length > SMALL || (pace > 0 && !order.dry_run)) {
      const job = await startJob(c.env, targets, replay, pace)
      return c.json({ events: 0, outcomes: [], job: jobJson(job) }, 202)
    }
    const outcomes = await Promise.all(
      targets.ids.map((device, place) =>
        replayAt(c.env, device, targets.faults.get(place), replay),
      ),
    )
    const events = outcomes.reduce((sum, one) => sum + (one.events ?? 0), 0)
    return c.json({ events, outcomes }, 202)
  },
)

/** @throws AdminError for one that may not be posted to; counting is free. */
async function receiverOf(
  env: Env,
  config: Config,
  id: string,
  { force, dryRun }: { readonly force: boolean; readonly dryRun: boolean },
): Promise<Webhook> {
  if (dryRun) {
    return webhookOf(env, config, id)
  }
  const webhook = await activeWebhook(env, config, id)
  if (id === VAR_WEBHOOK && !force) {
    throw new AdminError(
      'receivers written for MicroMDM take a replayed event for a new one, and a replayed Authenticate resets the device in mdmdirector: say "force": true if yours does not',
      'confirmation_required',
    )
  }
  return webhook
}

/** @throws AdminError for a key: a small replay leaves nothing behind by which it could be known again */
function withoutKey(key: string | undefined): void {
  if (key !== undefined) {
    throw new AdminError(
      'a replay knows no Idempotency-Key, and repeated it posts the events once more: leave the header out, and look at GET /api/deliveries before you repeat one',
      400,
    )
  }
}

async function replayAt(
  env: Env,
  id: string,
  fault: string | undefined,
  order: Replay,
): Promise<z.input<typeof outcome>> {
  if (fault !== undefined) {
    return { id, error: fault }
  }
  try {
    const { events } = await atDevice(env, id, async (device, address) =>
      device.replay(address, order),
    )
    return { id, events }
  } catch (error) {
    if (error instanceof AdminError) {
      return { id, error: error.message }
    }
    throw error
  }
}

/** The same for many devices, in batches that survive a crash (design.md 14). */
async function startJob(
  env: Env,
  { ids, faults }: Targets,
  replay: Replay,
  pace: number,
): Promise<JobView> {
  if (replay.dryRun) {
    throw new AdminError(
      `${ids.length} devices: \`dry_run\` counts for up to ${SMALL}; name fewer, or leave it out for a job that tells of each`,
      'too_many_targets',
    )
  }
  const name = crypto.randomUUID()
  await addJob(env.DB, { id: name, createdAt: clock.now() })
  const work = JSON.stringify(replay)
  const facts = { name, request: '', kind: 'replay', work, secret: false, pace, stopAt: 0 }
  const order = { facts, payload: new Uint8Array(), ids, faults, wait: false }
  const created = await env.JOB.getByName(name).create(order)
  if (created.kind === 'reused') {
    throw new OwnError('a new job has the name of another')
  }
  return created.job
}
