import { createRoute, z } from '@hono/zod-openapi'
import type { Config } from '../../../config/config.ts'
import type { Replay } from '../../../device/outbox/replay.ts'
import type { Env } from '../../../env.ts'
import { VAR_WEBHOOK, type Webhook } from '../../../events/webhook.ts'
import { AdminError } from '../../admin-error.ts'
import { deviceFilter, MAX_TARGETS } from '../device-filter.ts'
import { idempotencyKey, jobAnswers, type NewJob, startJob } from './start.ts'
import { checkNumber, targetsMeant, targetsNamed } from './targets.ts'
import { activeWebhook, webhookOf } from '../webhooks/webhook-access.ts'
import { reportStatus, topicWord } from '../words.ts'
import { body, refusal } from '../operation.ts'
import { newRoutes } from '../routes.ts'
import { moment } from '../values.ts'

/** Events that a webhook gets again, or gets at last. */
export const replays = newRoutes()

const DEVICE = 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'

const fields = z.strictObject({
  webhook_id: z.string().openapi({ description: 'the webhook that gets the events' }),
  ids: z
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
  pace: z.int().min(1).max(1_000_000).optional().openapi({ description: 'devices a minute' }),
  events: z
    .array(z.string().max(100))
    .min(1)
    .max(1000)
    .optional()
    .openapi({ description: 'ids of events; the webhook’s filter does not count then' }),
  topics: z.array(topicWord).optional().openapi({ description: 'instead of the webhook’s own' }),
  statuses: z
    .array(reportStatus)
    .nullable()
    .optional()
    .openapi({ description: 'of reports, instead of the webhook’s own; null for all' }),
  from: moment.optional().openapi({ description: 'events of this time or later' }),
  to: moment.optional().openapi({ description: 'events of this time or earlier' }),
  force: z
    .boolean()
    .default(false)
    .openapi({ description: 'needed for the webhook of WEBHOOK_URL' }),
  dry_run: z.boolean().default(false).openapi({ description: 'only counts the events' }),
})
const request = fields
  .refine(
    ({ ids, filter, all }) => [ids, filter, all].filter((one) => one !== undefined).length === 1,
    'name the devices in one way: `ids`, `filter` or `all`',
  )
  .refine(
    ({ from = 0, to = Number.MAX_SAFE_INTEGER }) => from <= to,
    '`from` lies behind `to`: no event can be between them',
  )
replays.openapi(
  createRoute({
    method: 'post',
    path: '/replays',
    operationId: 'replay',
    tags: ['Deliveries'],
    summary: 'Posts kept events of devices to a webhook again',
    description:
      'In the order of each device, beside its line, with the same `event_id` and `"replay": true`. What KEEP_EVENTS keeps can be replayed, also to a webhook that was not there when it happened. What still waits for the webhook, or is a dead letter of it, is left alone. Up to 20 devices without a pace are done within the call; more become a job that goes on by itself. Events that come twice have the same `event_id`.',
    request: {
      headers: z.object({ 'idempotency-key': idempotencyKey }),
      body: body(request, {
        device: { webhook_id: 'webhook', ids: [DEVICE], dry_run: true },
        all: { webhook_id: 'webhook', all: true, topics: ['mdm.CheckOut'], pace: 600, force: true },
        filter: {
          webhook_id: 'webhook',
          filter: { platform: ['macOS'], os_version: '15' },
          force: true,
        },
        time: {
          webhook_id: 'webhook',
          ids: [DEVICE],
          topics: ['mdm.Connect'],
          from: '2026-11-24T09:00:00Z',
          to: '2026-11-24T10:00:00Z',
          force: true,
        },
      }),
    },
    responses: {
      ...jobAnswers,
      404: refusal('no such webhook'),
      409: refusal(
        'the webhook of WEBHOOK_URL, without `force`; one that is switched off, or whose key is missing',
      ),
      422: refusal('another request had this Idempotency-Key'),
    },
  }),
  async (c) => startJob(c, () => planOf(c.env, c.var.config, c.req.valid('json'))),
)

async function planOf(env: Env, config: Config, wanted: z.output<typeof request>): Promise<NewJob> {
  const {
    webhook_id: id,
    ids,
    filter = {},
    force,
    pace = 0,
    dry_run: dryRun,
    events = null,
  } = wanted
  const webhook = await receiverOf(env, config, id, { force, dryRun })
  const { topics = webhook.topics, statuses = webhook.statuses } = wanted
  const replay: Replay = {
    subscriber: id,
    events,
    filter: { topics, statuses },
    from: wanted.from ?? 0,
    to: wanted.to ?? Number.MAX_SAFE_INTEGER,
    dryRun,
  }
  const targets = ids ? targetsNamed(ids) : await targetsMeant(env.DB, filter)
  checkNumber(targets)
  const facts = { kind: 'replay', work: JSON.stringify(replay), secret: false, pace, stopAt: 0 }
  return { targets, facts, payload: new Uint8Array() }
}

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
