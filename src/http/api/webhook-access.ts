import { z } from '@hono/zod-openapi'
import type { Config } from '../../config.ts'
import { readReceiver } from '../../config-values.ts'
import { forgetWebhooks } from '../../directory/webhook-list.ts'
import { findWebhook, openWebhook, saveWebhook } from '../../directory/webhooks.ts'
import { refuseTarget } from '../../events/target.ts'
import { VAR_WEBHOOK, type Webhook } from '../../events/webhook.ts'
import type { Env } from '../../env.ts'
import { reasonOf } from '../../log.ts'
import { AdminError } from '../at-device.ts'
import type { WebhookChanges } from './webhook-json.ts'

export const webhookId = z.string().openapi({
  param: { name: 'id', in: 'path' },
  description: 'as the list shows it; `webhook` is the one of WEBHOOK_URL',
  example: '5b1f0c0e-9d3c-4a43-9d0b-6a1f4d2f7a10',
})

/** @throws AdminError 404 */
export async function webhookOf(env: Env, config: Config, id: string): Promise<Webhook> {
  const ofVars = config.webhooks.find((webhook) => webhook.id === id)
  const stored = ofVars ? undefined : await findWebhook(env.DB, id)
  const webhook = ofVars ?? (stored && openWebhook(stored, config.sealer))
  if (!webhook) {
    throw new AdminError(`no webhook has the id ${id}`, 404)
  }
  return webhook
}

/** One that the API may change. @throws AdminError */
export async function ownWebhook(env: Env, config: Config, id: string): Promise<Webhook> {
  if (id === VAR_WEBHOOK) {
    throw new AdminError(
      'this webhook is set by WEBHOOK_URL and the vars beside it: change them there',
      409,
    )
  }
  return webhookOf(env, config, id)
}

/** The webhook with an admin's changes. @throws AdminError for a URL that may not be posted to */
export function changedBy(webhook: Webhook, changes: WebhookChanges, config: Config): Webhook {
  const { posts_per_minute: rate, max_idle_age_seconds: idleAge } = changes
  return {
    ...webhook,
    ...(changes.url === undefined ? {} : receiverOf(changes.url, config)),
    enabled: changes.enabled ?? webhook.enabled,
    topics: changes.topics ?? webhook.topics,
    statuses: changes.statuses === undefined ? webhook.statuses : changes.statuses,
    headers: changes.headers ?? webhook.headers,
    redact: changes.redact_tokens ?? webhook.redact,
    concurrency: changes.concurrency ?? webhook.concurrency,
    rate: rate === undefined ? webhook.rate : (rate ?? 0),
    rampUp: changes.ramp_up ?? webhook.rampUp,
    maxIdleAge: idleAge === undefined ? webhook.maxIdleAge : (idleAge ?? 0) * 1000,
  }
}

function receiverOf(url: string, config: Config): Pick<Webhook, 'url' | 'authorization'> {
  const refusal = config.allowPrivateWebhooks ? undefined : refuseTarget(url)
  if (refusal !== undefined) {
    throw new AdminError(refusal, 400)
  }
  try {
    return readReceiver(url)
  } catch (error) {
    throw new AdminError(`json.url: ${reasonOf(error)}`, 400)
  }
}

/** Stores it; it holds for the next event here, and everywhere within 30 s. */
export async function keep(env: Env, config: Config, webhook: Webhook, now: number): Promise<void> {
  await saveWebhook(env.DB, config.sealer, webhook, now)
  forgetWebhooks()
  await env.SUBSCRIBER.getByName(webhook.id).changed()
}
