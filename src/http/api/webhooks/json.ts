import type { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import type { ReadWebhook } from '../../../directory/webhooks.ts'
import { VAR_WEBHOOK, type Webhook } from '../../../events/webhook.ts'
import type { SubscriberState } from '../../../webhooks/subscriber.ts'
import { isAllowed } from '../../access/require-scope.ts'
import type { AppContext } from '../../app-env.ts'
import { atOrNull, iso, textOrNull } from '../values.ts'
import type { webhookDeliveriesSchema, webhookSchema } from './schema.ts'

type WebhookJson = z.input<typeof webhookSchema>

/**
 * The settings of a webhook, and the state of its Subscriber object. Behind the host, the URLs of many
 * receivers hold a secret.
 */
export async function showWebhook(
  { env, var: { caller } }: AppContext,
  webhook: ReadWebhook,
): Promise<WebhookJson> {
  const now = clock.now()
  const subscriber = await env.SUBSCRIBER.getByName(webhook.id).state()
  const { id, maxIdleAge } = webhook
  const state = webhookState(webhook, subscriber, now)
  const reasons = { unreadable: webhook.unreadable, down: subscriber.counts.reason }
  return {
    id,
    state,
    reason: (state === 'unreadable' || state === 'down' ? reasons[state] : undefined) || null,
    url: isAllowed(caller.scopes, 'config') ? webhook.url : `${new URL(webhook.url).origin}/…`,
    enabled: webhook.enabled,
    micromdm: id === VAR_WEBHOOK,
    topics: [...webhook.topics],
    statuses: webhook.statuses && [...webhook.statuses],
    header_names: Object.keys(webhook.headers),
    authorization: webhook.authorization !== '',
    secrets: webhook.secrets.map(({ since, until }) => ({
      since: iso(since),
      until: atOrNull(until),
    })),
    redact_tokens: webhook.redact,
    concurrency: webhook.concurrency,
    posts_per_minute: webhook.rate || null,
    ramp_up: webhook.rampUp,
    max_idle_age_seconds: maxIdleAge === 0 ? null : maxIdleAge / 1000,
    deliveries: deliveriesJson(subscriber, webhook, now),
  }
}

/** If several states hold, the one that stops most posts is shown. */
function webhookState(
  { enabled, unreadable }: ReadWebhook,
  { paused, circuit }: SubscriberState,
  now: number,
): WebhookJson['state'] {
  if (unreadable !== undefined) {
    return 'unreadable'
  }
  if (!enabled) {
    return 'disabled'
  }
  const isDown = circuit.downs > 0 || circuit.askedUntil > now
  return paused ? 'paused' : isDown ? 'down' : 'active'
}

function deliveriesJson(
  state: SubscriberState,
  { concurrency: most }: Pick<Webhook, 'concurrency'>,
  now: number,
): z.input<typeof webhookDeliveriesSchema> {
  const { circuit, counts } = state
  // The end of the wait of all devices, or else of those whose posts failed.
  const nextTry = Math.max(circuit.closedUntil, circuit.quietUntil || circuit.askedUntil)
  return {
    failures: circuit.downs,
    next_try_at: nextTry > now ? atOrNull(nextTry) : null,
    posts_in_flight: state.inFlight,
    // It grows with answers, and the setting bounds it only when a post is made.
    posts_allowed: Math.min(state.allowed, most),
    devices_waiting: state.waiting,
    delivered: counts.delivered,
    failed: counts.failed,
    given_up: counts.dead,
    dropped_idle: counts.dropped,
    dead_letters: state.deadLetters,
    last_delivered_at: atOrNull(counts.deliveredAt),
    last_failed_at: atOrNull(counts.failedAt),
    last_error: textOrNull(counts.reason),
  }
}
