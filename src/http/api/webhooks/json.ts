import { z } from '@hono/zod-openapi'
import { MAX_CONCURRENCY, MAX_IDLE_AGE, MAX_RATE } from '../../../config/values.ts'
import { clock } from '../../../clock.ts'
import type { Env } from '../../../env.ts'
import { newSecret } from '../../../webhooks/sign.ts'
import type { SubscriberState } from '../../../webhooks/subscriber.ts'
import { TOPICS } from '../../../events/topics.ts'
import type { ReadWebhook } from '../../../directory/webhooks.ts'
import { VAR_WEBHOOK, type Webhook } from '../../../events/webhook.ts'
import { reportStatus, topicWord } from '../words.ts'
import { atOrNull, iso, textOrNull, time as when } from '../values.ts'

const MAX_HEADERS = 20
const MAX_TEXT = 2000
/** Ours, or the connection's. */
const RESERVED =
  /^(webhook-.*|x-hmac-signature|content-(type|length)|host|user-agent|connection|transfer-encoding)$/i

/** `whsec_` and 24 to 64 bytes as Standard Webhooks wants them, or any text for NanoMDM's header alone. */
export const secretText = z
  .string()
  .min(16)
  .max(200)
  .regex(/^[\x21-\x7e]+$/, 'has to be printable ASCII without blanks')
  .refine(
    (text) =>
      !text.startsWith('whsec_') ||
      /^whsec_([A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/=]{4})?$/.test(text),
    'behind whsec_ there have to be 24 to 64 bytes in base64',
  )

const headerMap = z
  .record(
    z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/),
    z
      .string()
      .max(MAX_TEXT)
      .regex(/^[\t\x20-\x7e]*$/, 'has to be one line of printable ASCII'),
  )
  .refine((headers) => Object.keys(headers).length <= MAX_HEADERS, `at most ${MAX_HEADERS}`)
  .refine(
    (headers) => !Object.keys(headers).some((name) => RESERVED.test(name)),
    'a header that EdgeMDM sets itself',
  )

const topics = z
  .array(topicWord)
  .max(TOPICS.length)
  .openapi({ description: 'the topics that are posted to it' })
const statuses = z
  .array(reportStatus)
  .nullable()
  .openapi({ description: 'of reports; null for all, Idle too' })
const rate = z.int().min(1).max(MAX_RATE).nullable().openapi({ description: 'null for no limit' })
const idleAge = z
  .int()
  .min(1)
  .max(MAX_IDLE_AGE / 1000)
  .nullable()
  .openapi({
    description: 'an Idle that waited longer is not posted, but counted; null for however long',
  })
const concurrency = z
  .int()
  .min(1)
  .max(MAX_CONCURRENCY)
  .openapi({ description: 'how many posts may be in flight' })
const rampUp = z
  .int()
  .min(1)
  .max(10_000)
  .openapi({ description: 'after an outage so many answers allow one more post in flight' })
const url = z.url({ protocol: /^https?$/, error: 'has to be an http or https URL' }).max(MAX_TEXT)

/** What may be changed; what is left out stays as it is. */
export const changesSchema = z.strictObject({
  url: url
    .openapi({
      description:
        'a user and password in it become Basic authorization; without them those of before stay, unless the host is another',
    })
    .optional(),
  authorization: z
    .literal(false, 'has to be false, which forgets the user and password; set them in `url`')
    .optional()
    .openapi({ description: 'forgets the user and password' }),
  enabled: z.boolean().optional().openapi({
    description: '`false`: nothing is posted to it; waiting events are kept for 3 days',
  }),
  topics: topics.optional(),
  statuses: statuses.optional(),
  headers: headerMap.optional().openapi({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'sent with each post; all of them',
  }),
  redact_tokens: z.boolean().optional().openapi({
    description:
      'cuts unlock and bootstrap tokens out of raw_payload; `redacted` beside it says so',
  }),
  concurrency: concurrency.optional(),
  posts_per_minute: rate.optional(),
  ramp_up: rampUp.optional(),
  max_idle_age_seconds: idleAge.optional(),
})
export type WebhookChanges = z.output<typeof changesSchema>

export const newSchema = changesSchema.omit({ authorization: true }).extend({
  url: url.openapi({
    description: 'where events are posted; a user and password in it become Basic authorization',
  }),
  secret: secretText.optional().openapi({
    description:
      'one is made when it is left out. Posts have `webhook-signature` only with a secret that begins with `whsec_`; with any other they have `X-Hmac-Signature` alone',
  }),
})

const deliveriesSchema = z
  .object({
    failures: z.int().openapi({ description: 'how often in a row the receiver was down' }),
    next_try_at: when.nullable().openapi({ description: 'nothing is posted before this time' }),
    posts_in_flight: z.int(),
    posts_allowed: z.int().openapi({
      description:
        'how many posts may be in flight now: at most `concurrency`, fewer after an outage',
    }),
    devices_waiting: z
      .int()
      .openapi({ description: 'devices with events that wait, as far as memory knows' }),
    delivered: z.int(),
    failed: z.int(),
    given_up: z.int(),
    dropped_idle: z.int(),
    dead_letters: z.int(),
    last_delivered_at: when.nullable(),
    last_failed_at: when.nullable(),
    last_error: z.string().nullable(),
  })
  .openapi('WebhookDeliveries')

const STATES = ['active', 'down', 'paused', 'disabled', 'unreadable'] as const

export const webhookSchema = z
  .object({
    id: z.string(),
    state: z.enum(STATES).openapi({
      description:
        '`down`: the receiver does not answer, and is tried again at `deliveries.next_try_at`; `paused`: until resumeWebhook; `disabled`: `enabled` is false; `unreadable`: see `reason`',
    }),
    reason: z.string().nullable().openapi({
      description:
        'why it is down; or which key is missing that its secrets, headers, user and password are sealed with: put it back, give the webhook a new secret, which forgets the others, or delete it',
    }),
    url: z.string(),
    enabled: z.boolean(),
    micromdm: z
      .boolean()
      .openapi({ description: 'the one of WEBHOOK_URL: in MicroMDM’s form, set by vars alone' }),
    topics: z.array(topicWord),
    statuses,
    header_names: z.array(z.string()),
    authorization: z.boolean().openapi({ description: 'whether a user and password are sent' }),
    secrets: z.array(z.object({ since: when, until: when.nullable() })).openapi({
      description: 'secrets that sign, newest first; their values are never shown again',
    }),
    redact_tokens: z.boolean(),
    concurrency,
    posts_per_minute: rate,
    ramp_up: rampUp,
    max_idle_age_seconds: idleAge,
    deliveries: deliveriesSchema,
  })
  .openapi('Webhook')

/** A webhook with a secret, which is shown this once. */
export const secretWebhookSchema = webhookSchema
  .extend({ secret: z.string().openapi({ description: 'shown this once' }) })
  .openapi('WebhookWithSecret')

export const SECRET_EXAMPLE = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='

export function randomSecret(): string {
  return newSecret(crypto.getRandomValues(new Uint8Array(32)))
}

export const WEBHOOK_EXAMPLE: z.input<typeof webhookSchema> = {
  id: '5b1f0c0e-9d3c-4a43-9d0b-6a1f4d2f7a10',
  state: 'active',
  reason: null,
  url: 'https://hooks.example.com/edgemdm',
  enabled: true,
  micromdm: false,
  topics: ['mdm.TokenUpdate', 'mdm.CheckOut', 'mdm.Connect'],
  statuses: ['Acknowledged', 'Error', 'CommandFormatError', 'NotNow'],
  header_names: ['X-Tenant'],
  authorization: false,
  secrets: [{ since: '2026-11-24T09:00:00.000Z', until: null }],
  redact_tokens: true,
  concurrency: 4,
  posts_per_minute: null,
  ramp_up: 1,
  max_idle_age_seconds: 3600,
  deliveries: {
    failures: 0,
    next_try_at: null,
    posts_in_flight: 1,
    posts_allowed: 4,
    devices_waiting: 1,
    delivered: 1280,
    failed: 3,
    given_up: 0,
    dropped_idle: 0,
    dead_letters: 0,
    last_delivered_at: '2026-11-24T09:00:02.000Z',
    last_failed_at: '2026-11-23T04:10:00.000Z',
    last_error: 'status 503',
  },
}

/** A webhook as it is set, and as its object says that it goes. */
export async function showWebhook(
  env: Pick<Env, 'SUBSCRIBER'>,
  webhook: ReadWebhook,
): Promise<z.input<typeof webhookSchema>> {
  const now = clock.now()
  const subscriber = await env.SUBSCRIBER.getByName(webhook.id).state()
  const { id, url: to, enabled, maxIdleAge, rate: perMinute } = webhook
  const state = stateOf(webhook, subscriber, now)
  const reasons = { unreadable: webhook.unreadable, down: subscriber.counts.reason }
  return {
    id,
    state,
    reason: (state === 'unreadable' || state === 'down' ? reasons[state] : undefined) || null,
    url: to,
    enabled,
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
    posts_per_minute: perMinute || null,
    ramp_up: webhook.rampUp,
    max_idle_age_seconds: maxIdleAge === 0 ? null : maxIdleAge / 1000,
    deliveries: deliveriesJson(subscriber, webhook, now),
  }
}

/** What keeps most events back comes first. */
function stateOf(
  { enabled, unreadable }: ReadWebhook,
  { paused, circuit }: SubscriberState,
  now: number,
): (typeof STATES)[number] {
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
): z.input<typeof deliveriesSchema> {
  const { circuit, counts } = state
  // What all wait for, or else those that failed.
  const nextTry = Math.max(circuit.closedUntil, circuit.quietUntil || circuit.askedUntil)
  return {
    failures: circuit.downs,
    next_try_at: nextTry > now ? atOrNull(nextTry) : null,
    posts_in_flight: state.inFlight,
    // It grows with the answers, and the setting bounds it only where posts are made.
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
