import { z } from '../zod.ts'
import type { Config } from '../../../config/config.ts'
import type { Replay } from '../../../device/outbox/replay.ts'
import type { Env } from '../../../env.ts'
import { VAR_WEBHOOK, type Webhook } from '../../../events/webhook.ts'
import { noteAudit } from '../../access/audited.ts'
import type { AppContext } from '../../app-env.ts'
import { RequestError } from '../../request-error.ts'
import { body, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { moment } from '../values.ts'
import { activeWebhook, webhookOf } from '../webhooks/access.ts'
import { reportStatus, topicWord } from '../words.ts'
import { idempotencyKey, jobAnswers, KEY_REUSED, type NewJob, startJob } from './start.ts'
import { findTargets, idList, isNamedOnce, NAMED_ONCE, SMALL, targetFields } from './targets.ts'

/** Kept events that are posted to a webhook again, or for the first time. */
export const replayRoutes = newRoutes()

const EVENTS = 'ids of events; the webhook’s filter does not count then'

const replayRequest = z
  .strictObject({
    webhook_id: z.string().openapi({ description: 'the webhook that gets the events' }),
    ids: idList,
    ...targetFields,
    events: z
      .array(z.string().max(100))
      .min(1)
      .max(1000)
      .optional()
      .openapi({ description: EVENTS }),
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
  .refine(isNamedOnce, NAMED_ONCE)
  .refine(
    ({ from = 0, to = Number.MAX_SAFE_INTEGER }) => from <= to,
    '`from` lies behind `to`: no event can be between them',
  )

const ids = ['E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01']
const webhook_id = 'webhook'
const from = '2026-11-24T09:00:00Z'

replayRoutes.openapi(
  operation('replay', 'post', '/replays', {
    tags: ['Deliveries'],
    summary: 'Posts kept events of devices to a webhook again',
    description:
      'Events go out in the order of each device, beside its new events, with the same `event_id` and ' +
      '`"replay": true`. KEEP_EVENTS sets which events are kept. The webhook may be newer than the events. ' +
      'An event that still waits for the webhook, or is a dead letter of it, is left alone. Up to ' +
      `${SMALL} devices without a pace are done within the call; more become a job that goes on by itself.`,
    headers: { 'idempotency-key': idempotencyKey },
    body: body(replayRequest, {
      device: { webhook_id, ids, dry_run: true },
      all: { webhook_id, all: true, topics: ['mdm.CheckOut'], pace: 600, force: true },
      filter: { webhook_id, filter: { platform: ['macOS'], os_version: '15' }, force: true },
      time: { webhook_id, ids, from, to: '2026-11-24T10:00:00Z', dry_run: true },
    }),
    answers: jobAnswers,
    problems: {
      404: 'no such webhook',
      409: 'the webhook of WEBHOOK_URL without `force`; a webhook that is off, or whose key is missing',
      422: KEY_REUSED,
    },
  }),
  async (c) => startJob(c, () => planOf(c, c.req.valid('json'))),
)

async function planOf(c: AppContext, wanted: z.output<typeof replayRequest>): Promise<NewJob> {
  const { env } = c
  const { webhook_id: id, force, pace = 0, dry_run: dryRun, events = null } = wanted
  const webhook = await receiverOf(env, c.var.config, id, { force, dryRun })
  noteAudit(c, { webhook: id }, { isTrial: dryRun })
  const { topics = webhook.topics, statuses = webhook.statuses } = wanted
  const replay: Replay = {
    subscriber: id,
    events,
    filter: { topics, statuses },
    from: wanted.from ?? 0,
    to: wanted.to ?? Number.MAX_SAFE_INTEGER,
    dryRun,
  }
  const targets = await findTargets(env.DB, wanted)
  const kind = 'replay'
  const facts = { kind, work: JSON.stringify(replay), secret: false, pace, stopAt: 0 } as const
  return { targets, facts, payload: new Uint8Array() }
}

/** The webhook of the events. @throws RequestError if it gets no posts; a dry run is always allowed */
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
    throw new RequestError(
      'receivers written for MicroMDM take a replayed event for a new one, and a replayed Authenticate ' +
        'resets the device in mdmdirector: say "force": true if yours does not',
      'confirmation_required',
    )
  }
  return webhook
}
