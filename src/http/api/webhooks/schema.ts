import { z } from '../zod.ts'
import { MAX_CONCURRENCY, MAX_IDLE_AGE, MAX_RATE } from '../../../config/values.ts'
import { TOPICS } from '../../../events/topics.ts'
import { pathId } from '../operation.ts'
import { time } from '../values.ts'
import { reportStatus, topicWord } from '../words.ts'

const MAX_HEADERS = 20
const MAX_TEXT = 2000
/** The server sets these headers itself, or they belong to the connection. */
const RESERVED =
  /^(webhook-.*|x-hmac-signature|content-(type|length)|host|user-agent|connection|transfer-encoding)$/i

export const WEBHOOK_PARAMS = pathId(
  z.string(),
  'as the list shows it; `webhook` is the one of WEBHOOK_URL',
  '5b1f0c0e-9d3c-4a43-9d0b-6a1f4d2f7a10',
)

/** `whsec_` and 24 to 64 bytes, for Standard Webhooks; or any text, for the header of NanoMDM alone. */
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
  .openapi({ description: 'the topics whose events are posted' })
const statuses = z
  .array(reportStatus)
  .nullable()
  .openapi({ description: 'the statuses of reports that are posted; null for all, also Idle' })
const rate = z.int().min(1).max(MAX_RATE).nullable().openapi({ description: 'null for no limit' })
const idleAge = z
  .int()
  .min(1)
  .max(MAX_IDLE_AGE / 1000)
  .nullable()
  .openapi({
    description: 'an Idle that waited longer is counted and not posted; null for no limit',
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
  .openapi({ description: 'after an outage this number of answers allows one more post in flight' })
const url = z.url({ protocol: /^https?$/, error: 'has to be an http or https URL' }).max(MAX_TEXT)

/** The settings of a PATCH. A setting that is left out stays as it is. */
export const changesSchema = z.strictObject({
  url: url
    .openapi({
      description:
        'a user and password in it become Basic authorization; without them the earlier ones stay, ' +
        'unless the host changes',
    })
    .optional(),
  authorization: z
    .boolean()
    .refine(
      (kept) => !kept,
      'has to be false, which deletes the user and password; set them in `url`',
    )
    .optional()
    .openapi({ enum: [false], description: 'deletes the user and password' }),
  enabled: z.boolean().optional().openapi({
    description: '`false`: nothing is posted; waiting events are kept for 3 days',
  }),
  topics: topics.optional(),
  statuses: statuses.optional(),
  headers: headerMap.optional().openapi({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'all headers that are sent with each post',
  }),
  redact_tokens: z
    .boolean()
    .optional()
    .openapi({
      description:
        'removes unlock and bootstrap tokens from raw_payload; `redacted` beside it names them. `false` ' +
        'needs the scope `secrets`, and so does another `url` then',
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
      'one is made when it is left out. Posts have `webhook-signature` only with a secret that begins with ' +
      '`whsec_`; with any other secret they have `X-Hmac-Signature` alone',
  }),
})

export const webhookDeliveriesSchema = z
  .object({
    failures: z.int().openapi({ description: 'how often in a row the receiver was down' }),
    next_try_at: time.nullable().openapi({ description: 'nothing is posted before this time' }),
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
    given_up: z.int().openapi({ description: 'events that became dead letters' }),
    dropped_idle: z.int().openapi({ description: 'Idle events that waited too long' }),
    dead_letters: z.int().openapi({ description: 'dead letters that are kept' }),
    last_delivered_at: time.nullable(),
    last_failed_at: time.nullable(),
    last_error: z.string().nullable(),
  })
  .openapi('WebhookDeliveries')

export const webhookSchema = z
  .object({
    id: z.string(),
    state: z.enum(['active', 'down', 'paused', 'disabled', 'unreadable']).openapi({
      description:
        '`down`: the receiver does not answer, and is tried again at `deliveries.next_try_at`; ' +
        '`paused`: until resumeWebhook; `disabled`: `enabled` is false; `unreadable`: see `reason`',
    }),
    reason: z
      .string()
      .nullable()
      .openapi({
        description:
          'why the receiver is down; or the missing key that sealed secrets, headers, user and password: ' +
          'put it back, give the webhook a new secret, which deletes the others, or delete the webhook',
      }),
    url: z.string().openapi({ description: 'only its host if your key lacks `config`' }),
    enabled: z.boolean(),
    micromdm: z.boolean().openapi({
      description: 'whether it is the one of WEBHOOK_URL: in MicroMDM’s form, set by vars alone',
    }),
    topics: z.array(topicWord),
    statuses,
    header_names: z.array(z.string()),
    authorization: z.boolean().openapi({ description: 'whether a user and password are sent' }),
    secrets: z.array(z.object({ since: time, until: time.nullable() })).openapi({
      description: 'secrets that sign, newest first; their values are never shown again',
    }),
    redact_tokens: z.boolean(),
    concurrency,
    posts_per_minute: rate,
    ramp_up: rampUp,
    max_idle_age_seconds: idleAge,
    deliveries: webhookDeliveriesSchema,
  })
  .openapi('Webhook')

/** A webhook with its secret, in the only answer that has it. */
export const secretWebhookSchema = webhookSchema
  .extend({ secret: z.string().openapi({ description: 'shown this once' }) })
  .openapi('WebhookWithSecret')

export const SECRET_EXAMPLE = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='

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

export const SECRET_WEBHOOK_EXAMPLE = { ...WEBHOOK_EXAMPLE, secret: SECRET_EXAMPLE }
