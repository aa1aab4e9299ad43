import { createRoute, z } from '@hono/zod-openapi'
import { clock } from '../../../clock.ts'
import { signingSecrets } from '../../../webhooks/sign.ts'
import type { Secret } from '../../../events/webhook.ts'
import { warn } from '../../../log.ts'
import { AdminError } from '../../admin-error.ts'
import { activeWebhook, change, webhookId, webhookOf } from './access.ts'
import {
  randomSecret,
  SECRET_EXAMPLE,
  secretText,
  secretWebhookSchema,
  showWebhook,
  WEBHOOK_EXAMPLE,
  webhookSchema,
} from './json.ts'
import { answer, body, refusal } from '../operation.ts'
import { newRoutes } from '../routes.ts'

/** What an admin does to a webhook that works, or does not. */
export const webhookControl = newRoutes()

const tags = ['Webhooks']
const params = z.object({ id: webhookId })
const unknown = refusal('no such webhook')
const inactive = refusal('the webhook is switched off, or the key of its secrets is missing')
/** Receivers check signatures one by one: more would only be carried along. */
const MAX_SECRETS = 2
const DAY_SECONDS = 86_400

webhookControl.openapi(
  createRoute({
    method: 'post',
    path: '/webhooks/{id}/secret',
    operationId: 'rotateSecret',
    tags,
    summary: 'Gives a webhook a new secret; the present one signs beside it for a while',
    description:
      '`webhook-signature` then holds two signatures. NanoMDM’s `X-Hmac-Signature` has room for one: it is the new secret’s at once. A webhook that is `unreadable` works again, without the headers, user and password that it had.',
    request: {
      params,
      body: body(
        z.strictObject({
          secret: secretText.optional().openapi({ description: 'one is made when left out' }),
          overlap_seconds: z
            .int()
            .min(0)
            .max(30 * DAY_SECONDS)
            .default(DAY_SECONDS)
            .openapi({ description: 'how long those that sign now sign too; 0 when one is lost' }),
        }),
        { made: {}, own: { secret: SECRET_EXAMPLE, overlap_seconds: 3600 } },
      ),
    },
    responses: {
      200: answer('the webhook and its new secret', secretWebhookSchema, {
        ...WEBHOOK_EXAMPLE,
        secret: SECRET_EXAMPLE,
      }),
      404: unknown,
      409: refusal('the webhook of WEBHOOK_URL has none; or too many change the webhook at once'),
    },
  }),
  async (c) => {
    const { secret = randomSecret(), overlap_seconds: overlap } = c.req.valid('json')
    const { config } = c.var
    const webhook = await change(c.env, config, c.req.valid('param').id, (before) => ({
      ...before,
      secrets: followedBy(before.secrets, secret, overlap * 1000, clock.now()),
    }))
    warn('webhook:secret-rotated', { webhook: webhook.id })
    return c.json({ ...(await showWebhook(c.env, webhook)), secret }, 200)
  },
)

/** The new secret first; each earlier one signs no longer than the overlap allows. */
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
  ['pause', true, 'Pauses a webhook: events wait in their devices, however long'],
  ['resume', false, 'Resumes a webhook: it posts the events that waited first'],
] as const) {
  webhookControl.openapi(
    createRoute({
      method: 'post',
      path: `/webhooks/{id}/${verb}`,
      operationId: `${verb}Webhook`,
      tags,
      summary,
      request: { params },
      responses: {
        200: answer('the webhook', webhookSchema, WEBHOOK_EXAMPLE),
        404: unknown,
      },
    }),
    async (c) => {
      const webhook = await webhookOf(c.env, c.var.config, c.req.valid('param').id)
      await c.env.SUBSCRIBER.getByName(webhook.id).setPaused(paused)
      return c.json(await showWebhook(c.env, webhook), 200)
    },
  )
}

webhookControl.openapi(
  createRoute({
    method: 'post',
    path: '/webhooks/{id}/test',
    operationId: 'testWebhook',
    tags,
    summary: 'Posts an event of the topic webhook.test now, and shows the receiver’s answer',
    description: 'It ignores the filter, a pause and the circuit. A failure is not counted.',
    request: { params },
    responses: {
      200: answer(
        'the receiver’s answer',
        z.object({
          event_id: z.string(),
          state: z
            .enum(['delivered', 'refused', 'down'])
            .openapi({ description: '`down`: no answer, or one that asks to try again' }),
          status: z.int().nullable().openapi({ description: 'null when there was no answer' }),
          reason: z.string().nullable(),
          latency_ms: z.int(),
        }),
        {
          event_id: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
          state: 'delivered',
          status: 200,
          reason: null,
          latency_ms: 42,
        },
      ),
      404: unknown,
      409: inactive,
    },
  }),
  async (c) => {
    const { id } = await activeWebhook(c.env, c.var.config, c.req.valid('param').id)
    const result = await c.env.SUBSCRIBER.getByName(id).sendTest()
    if (!result) {
      throw new AdminError(`no webhook has the id ${id}`, 'webhook_not_found')
    }
    const { event, outcome, latency } = result
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
