import { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import type { Secret } from '../../../events/webhook.ts'
import { warn } from '../../../log.ts'
import { randomSecret, signingSecrets } from '../../../webhooks/sign.ts'
import { answer, body, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import {
  activeWebhook,
  changeWebhook,
  INACTIVE,
  NO_WEBHOOK,
  noWebhook,
  webhookOf,
} from './access.ts'
import { showWebhook } from './json.ts'
import { postOutcome } from './posts.ts'
import { SECRET_EXAMPLE, SECRET_WEBHOOK_EXAMPLE, secretText } from './schema.ts'
import { secretWebhookSchema, WEBHOOK_EXAMPLE, WEBHOOK_PARAMS, webhookSchema } from './schema.ts'

/** Acts on a webhook: a new secret, pause, resume, test. */
export const webhookControlRoutes = newRoutes()

const tags = ['Webhooks']
/** Receivers check signatures one by one: more secrets would be useless. */
const MAX_SECRETS = 2
const DAY_SECONDS = 86_400

const newSecretSchema = z.strictObject({
  secret: secretText.optional().openapi({ description: 'one is made when it is left out' }),
  overlap_seconds: z
    .int()
    .min(0)
    .max(30 * DAY_SECONDS)
    .default(DAY_SECONDS)
    .openapi({ description: 'how long the present secrets sign too; 0 when one of them leaked' }),
})

webhookControlRoutes.openapi(
  operation('rotateSecret', 'post', '/webhooks/{id}/secret', {
    tags,
    summary: 'Gives a webhook a new secret; the present one also signs for a while',
    description:
      '`webhook-signature` then has two signatures. NanoMDM’s `X-Hmac-Signature` has only that of the new ' +
      'secret. A webhook that is `unreadable` works again, without its earlier headers, user and password.',
    params: WEBHOOK_PARAMS,
    body: body(newSecretSchema, {
      made: {},
      own: { secret: SECRET_EXAMPLE, overlap_seconds: 3600 },
    }),
    answers: {
      200: answer('the webhook and its new secret', secretWebhookSchema, SECRET_WEBHOOK_EXAMPLE),
    },
    problems: {
      ...NO_WEBHOOK,
      409: 'the webhook of WEBHOOK_URL has none; or too many requests change the webhook at once',
    },
  }),
  async (c) => {
    const { secret = randomSecret(), overlap_seconds: overlap } = c.req.valid('json')
    const { config } = c.var
    const webhook = await changeWebhook(c.env, config, c.req.valid('param').id, (before) => ({
      ...before,
      secrets: followedBy(before.secrets, secret, overlap * 1000, clock.now()),
    }))
    warn('webhook:secret-rotated', { webhook: webhook.id })
    return c.json({ ...(await showWebhook(c, webhook)), secret }, 200)
  },
)

/** The new secret first. Each earlier one signs no longer than the overlap allows. */
function followedBy(
  before: readonly Secret[],
  secret: string,
  overlap: number,
  now: number,
): readonly Secret[] {
  const end = now + overlap
  const earlier = signingSecrets(before, now)
    .map((one) => ({ ...one, until: one.until === 0 ? end : Math.min(one.until, end) }))
    .filter(({ until }) => until > now)
  return [{ secret, since: now, until: 0 }, ...earlier].slice(0, MAX_SECRETS)
}

for (const [verb, paused, summary] of [
  ['pause', true, 'Pauses a webhook: events wait in their devices without a time limit'],
  ['resume', false, 'Resumes a webhook: it posts the events that waited first'],
] as const) {
  webhookControlRoutes.openapi(
    operation(`${verb}Webhook`, 'post', `/webhooks/{id}/${verb}`, {
      tags,
      summary,
      params: WEBHOOK_PARAMS,
      answers: { 200: answer('the webhook', webhookSchema, WEBHOOK_EXAMPLE) },
      problems: NO_WEBHOOK,
    }),
    async (c) => {
      const webhook = await webhookOf(c.env, c.var.config, c.req.valid('param').id)
      await c.env.SUBSCRIBER.getByName(webhook.id).setPaused(paused)
      return c.json(await showWebhook(c, webhook), 200)
    },
  )
}

const testResult = z.object({
  event_id: z.string(),
  state: postOutcome,
  status: z.int().nullable().openapi({ description: 'null when there was no answer' }),
  reason: z.string().nullable(),
  latency_ms: z.int(),
})

webhookControlRoutes.openapi(
  operation('testWebhook', 'post', '/webhooks/{id}/test', {
    tags,
    summary: 'Posts an event of the topic webhook.test now, and shows the receiver’s answer',
    description: 'It ignores the filter, a pause and the circuit. A failure is not counted.',
    params: WEBHOOK_PARAMS,
    answers: {
      200: answer('the receiver’s answer', testResult, {
        event_id: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
        state: 'delivered',
        status: 200,
        reason: null,
        latency_ms: 42,
      }),
    },
    problems: { ...NO_WEBHOOK, ...INACTIVE },
  }),
  async (c) => {
    const { id } = await activeWebhook(c.env, c.var.config, c.req.valid('param').id)
    const { event, outcome, latency } =
      (await c.env.SUBSCRIBER.getByName(id).sendTest()) ?? noWebhook(id)
    return c.json(
      {
        event_id: event,
        state: outcome.kind,
        status: outcome.status || null,
        reason: outcome.kind === 'delivered' ? null : outcome.reason,
        latency_ms: latency,
      },
      200,
    )
  },
)
