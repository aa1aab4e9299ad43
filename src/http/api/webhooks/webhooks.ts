import type { z } from '../zod.ts'
import { clock } from '../../../clock.ts'
import type { Place } from '../../../directory/order.ts'
import { listWebhooks, readWebhook, removeWebhook } from '../../../directory/webhooks.ts'
import type { ReadWebhook } from '../../../directory/webhooks.ts'
import { MICROMDM_TOPICS } from '../../../events/topics.ts'
import type { Webhook } from '../../../events/webhook.ts'
import { warn } from '../../../log.ts'
import { forgetWebhooks } from '../../../webhooks/settings.ts'
import { randomSecret } from '../../../webhooks/sign.ts'
import { RequestError } from '../../request-error.ts'
import { answer, body, DONE, located, operation } from '../operation.ts'
import { listOf, pageOfRows, placeCursor, placeIn, shortPageQuery } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import {
  changedBy,
  changeWebhook,
  createWebhook,
  NO_WEBHOOK,
  ownWebhook,
  permitReceiver,
  webhookOf,
} from './access.ts'
import { showWebhook } from './json.ts'
import { changesSchema, newSchema, SECRET_EXAMPLE, SECRET_WEBHOOK_EXAMPLE } from './schema.ts'
import { secretWebhookSchema, WEBHOOK_EXAMPLE, WEBHOOK_PARAMS, webhookSchema } from './schema.ts'

/** Webhooks beside the one of `WEBHOOK_URL`. */
export const webhookRoutes = newRoutes()

const tags = ['Webhooks']
/** Each is an object, and every event that it wants wakes it. */
const MAX_WEBHOOKS = 50
const DEFAULTS: Omit<Webhook, 'id' | 'secrets'> = {
  enabled: true,
  url: '',
  authorization: '',
  headers: {},
  topics: [...MICROMDM_TOPICS],
  statuses: ['Acknowledged', 'Error', 'CommandFormatError', 'NotNow'],
  redact: true,
  concurrency: 4,
  rate: 0,
  rampUp: 1,
  maxIdleAge: 3_600_000,
}
const BAD_WEBHOOK = {
  400:
    'a URL that leads to a private network, unless ALLOW_PRIVATE_WEBHOOKS is set; ' +
    'or a user and password beside a header Authorization',
} as const

/** The only order of the list. */
const ORDER = { word: 'created_at' }

webhookRoutes.openapi(
  operation('listWebhooks', 'get', '/webhooks', {
    tags,
    summary: 'Lists webhooks: the one of WEBHOOK_URL, then the others, oldest first',
    query: shortPageQuery,
    answers: { 200: listOf('a page of webhooks', webhookSchema, WEBHOOK_EXAMPLE) },
  }),
  async (c) => {
    const { config } = c.var
    const { cursor, limit } = c.req.valid('query')
    const after = placeIn(cursor, 'webhook', ORDER)
    const stored = await listWebhooks(c.env.DB)
    const all = [
      ...config.webhooks.map((webhook) => ({ createdAt: 0, webhook })),
      ...stored.map((one) => ({
        createdAt: one.createdAt,
        webhook: readWebhook(one, config.sealer),
      })),
    ]
    const rows = all.filter((one) => !after || isBehind(one, after)).slice(0, limit + 1)
    const { items, ...page } = pageOfRows({ rows, total: after ? null : all.length }, limit, {
      item: ({ webhook }) => showWebhook(c, webhook),
      cursor: ({ createdAt: value, webhook }) =>
        placeCursor('webhook', ORDER, { value, id: webhook.id }),
    })
    return c.json({ ...page, items: await Promise.all(items) }, 200)
  },
)

function isBehind(
  { createdAt, webhook }: { readonly createdAt: number; readonly webhook: ReadWebhook },
  { value, id }: Place,
): boolean {
  return createdAt === value ? webhook.id > id : createdAt > Number(value)
}

const NEW_EXAMPLES: Record<string, z.input<typeof newSchema>> = {
  simple: { url: 'https://hooks.example.com/edgemdm' },
  full: {
    url: 'https://user:password@hooks.example.com/edgemdm',
    topics: ['mdm.TokenUpdate', 'mdm.CheckOut', 'mdm.Connect'],
    statuses: null,
    headers: { 'X-Tenant': 'north' },
    redact_tokens: true,
    concurrency: 2,
    posts_per_minute: 600,
    ramp_up: 10,
    max_idle_age_seconds: 300,
    secret: SECRET_EXAMPLE,
  },
}

webhookRoutes.openapi(
  operation('createWebhook', 'post', '/webhooks', {
    tags,
    summary: 'Adds a webhook; its secret is shown this once',
    description:
      'It gets events from now on. By default it gets MicroMDM’s topics without Idle, and no unlock and ' +
      'bootstrap tokens.',
    body: body(newSchema, NEW_EXAMPLES),
    answers: {
      201: located(answer('with its secret', secretWebhookSchema, SECRET_WEBHOOK_EXAMPLE)),
    },
    problems: { ...BAD_WEBHOOK, 409: `there are ${MAX_WEBHOOKS} webhooks` },
  }),
  async (c) => {
    const { secret = randomSecret(), ...changes } = c.req.valid('json')
    const { config } = c.var
    if ((await listWebhooks(c.env.DB)).length >= MAX_WEBHOOKS) {
      throw new RequestError(`${MAX_WEBHOOKS} webhooks exist: delete one first`, 'limit_reached')
    }
    const now = clock.now()
    const secrets = [{ secret, since: now, until: 0 }]
    const blank = { ...DEFAULTS, id: crypto.randomUUID(), secrets }
    const webhook = changedBy(blank, changes, config)
    permitReceiver(c, blank, webhook)
    await createWebhook(c.env, config, webhook, now)
    warn('webhook:created', { webhook: webhook.id })
    c.header('location', `/api/webhooks/${webhook.id}`)
    return c.json({ ...(await showWebhook(c, webhook)), secret }, 201)
  },
)

webhookRoutes.openapi(
  operation('getWebhook', 'get', '/webhooks/{id}', {
    tags,
    summary: 'One webhook, with the state of its deliveries',
    params: WEBHOOK_PARAMS,
    answers: { 200: answer('the webhook', webhookSchema, WEBHOOK_EXAMPLE) },
    problems: NO_WEBHOOK,
  }),
  async (c) => {
    const webhook = await webhookOf(c.env, c.var.config, c.req.valid('param').id)
    return c.json(await showWebhook(c, webhook), 200)
  },
)

webhookRoutes.openapi(
  operation('changeWebhook', 'patch', '/webhooks/{id}', {
    tags,
    summary: 'Changes the given settings of a webhook; they hold within 30 s everywhere',
    params: WEBHOOK_PARAMS,
    body: body(changesSchema, {
      url: { url: 'https://hooks.example.com/v2' },
      off: { enabled: false },
      everything: { statuses: null, max_idle_age_seconds: null, redact_tokens: false },
    }),
    answers: { 200: answer('the webhook', webhookSchema, WEBHOOK_EXAMPLE) },
    problems: {
      ...NO_WEBHOOK,
      ...BAD_WEBHOOK,
      409:
        'the webhook of WEBHOOK_URL is changed by its vars; or the key of its secrets is missing; ' +
        'or too many requests change it at once',
    },
  }),
  async (c) => {
    const { config } = c.var
    const changes = c.req.valid('json')
    const { id } = c.req.valid('param')
    const webhook = await changeWebhook(c.env, config, id, (before, unreadable) => {
      const after = changedBy(before, changes, config, unreadable)
      permitReceiver(c, before, after)
      return after
    })
    return c.json(await showWebhook(c, webhook), 200)
  },
)

webhookRoutes.openapi(
  operation('deleteWebhook', 'delete', '/webhooks/{id}', {
    tags,
    summary: 'Removes a webhook, with its dead letters and all events that have not reached it',
    params: WEBHOOK_PARAMS,
    answers: { 204: DONE },
    problems: { ...NO_WEBHOOK, 409: 'the webhook of WEBHOOK_URL is changed by its vars' },
  }),
  async (c) => {
    const { id } = await ownWebhook(c.env, c.var.config, c.req.valid('param').id)
    await removeWebhook(c.env.DB, id)
    forgetWebhooks()
    await c.env.SUBSCRIBER.getByName(id).remove()
    warn('webhook:removed', { webhook: id })
    return c.body(null, 204)
  },
)
