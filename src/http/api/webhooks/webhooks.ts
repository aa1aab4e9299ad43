import { createRoute, z } from '@hono/zod-openapi'
import { clock } from '../../../clock.ts'
import { forgetWebhooks } from '../../../webhooks/list.ts'
import type { Place } from '../../../directory/order.ts'
import {
  listWebhooks,
  type ReadWebhook,
  readWebhook,
  removeWebhook,
} from '../../../directory/webhooks.ts'
import { MICROMDM_TOPICS } from '../../../events/topics.ts'
import type { Webhook } from '../../../events/webhook.ts'
import { warn } from '../../../log.ts'
import { AdminError } from '../../admin-error.ts'
import { listOf, pageOfRows, placeCursor, placeIn, shortPageQuery } from '../paging.ts'
import { change, changedBy, create, ownWebhook, webhookId, webhookOf } from './access.ts'
import {
  changesSchema,
  newSchema,
  randomSecret,
  SECRET_EXAMPLE,
  secretWebhookSchema,
  showWebhook,
  WEBHOOK_EXAMPLE,
  webhookSchema,
} from './json.ts'
import { answer, body, DONE, located, refusal } from '../operation.ts'
import { newRoutes } from '../routes.ts'

/** Subscribers beside the one of `WEBHOOK_URL`. */
export const webhooks = newRoutes()

const tags = ['Webhooks']
/** Each is an object that every event of interest wakes. */
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
const params = z.object({ id: webhookId })
const unknown = refusal('no such webhook')
const ofVars = refusal('the webhook of WEBHOOK_URL is changed by its vars')
const notSo = refusal(
  'a URL that leads to a private network, unless ALLOW_PRIVATE_WEBHOOKS is set; or a user and password beside a header Authorization',
)

webhooks.openapi(
  createRoute({
    method: 'get',
    path: '/webhooks',
    operationId: 'listWebhooks',
    tags,
    summary: 'Lists webhooks: the one of WEBHOOK_URL, then the others, oldest first',
    request: { query: z.strictObject(shortPageQuery) },
    responses: { 200: listOf('a page of webhooks', webhookSchema, WEBHOOK_EXAMPLE) },
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
      item: ({ webhook }) => showWebhook(c.env, webhook),
      cursor: ({ createdAt: value, webhook }) =>
        placeCursor('webhook', ORDER, { value, id: webhook.id }),
    })
    return c.json({ ...page, items: await Promise.all(items) }, 200)
  },
)

/** The only order of the list. */
const ORDER = { word: 'created_at' }

function isBehind(
  { createdAt, webhook }: { readonly createdAt: number; readonly webhook: ReadWebhook },
  { value, id }: Place,
): boolean {
  return createdAt === value ? webhook.id > id : createdAt > Number(value)
}

webhooks.openapi(
  createRoute({
    method: 'post',
    path: '/webhooks',
    operationId: 'createWebhook',
    tags,
    summary: 'Adds a webhook; its secret is shown this once',
    description:
      'It gets events from now on. By default it gets MicroMDM’s topics without Idle, and no unlock and bootstrap tokens.',
    request: {
      body: body(newSchema, {
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
      }),
    },
    responses: {
      201: located(
        answer('the webhook and its secret', secretWebhookSchema, {
          ...WEBHOOK_EXAMPLE,
          secret: SECRET_EXAMPLE,
        }),
      ),
      400: notSo,
      409: refusal(`there are ${MAX_WEBHOOKS} webhooks`),
    },
  }),
  async (c) => {
    const { secret = randomSecret(), ...changes } = c.req.valid('json')
    const { config } = c.var
    if ((await listWebhooks(c.env.DB)).length >= MAX_WEBHOOKS) {
      throw new AdminError(`there are ${MAX_WEBHOOKS} webhooks: delete one first`, 'limit_reached')
    }
    const now = clock.now()
    const secrets = [{ secret, since: now, until: 0 }]
    const blank = { ...DEFAULTS, id: crypto.randomUUID(), secrets }
    const webhook = changedBy(blank, changes, config)
    await create(c.env, config, webhook, now)
    warn('webhook:created', { webhook: webhook.id })
    c.header('location', `/api/webhooks/${webhook.id}`)
    return c.json({ ...(await showWebhook(c.env, webhook)), secret }, 201)
  },
)

webhooks.openapi(
  createRoute({
    method: 'get',
    path: '/webhooks/{id}',
    operationId: 'getWebhook',
    tags,
    summary: 'One webhook, and how its deliveries go',
    request: { params },
    responses: {
      200: answer('the webhook', webhookSchema, WEBHOOK_EXAMPLE),
      404: unknown,
    },
  }),
  async (c) => {
    const webhook = await webhookOf(c.env, c.var.config, c.req.valid('param').id)
    return c.json(await showWebhook(c.env, webhook), 200)
  },
)

webhooks.openapi(
  createRoute({
    method: 'patch',
    path: '/webhooks/{id}',
    operationId: 'changeWebhook',
    tags,
    summary: 'Changes the given settings of a webhook; they hold within 30 s everywhere',
    request: {
      params,
      body: body(changesSchema, {
        url: { url: 'https://hooks.example.com/v2' },
        off: { enabled: false },
        everything: { statuses: null, max_idle_age_seconds: null, redact_tokens: false },
      }),
    },
    responses: {
      200: answer('the webhook', webhookSchema, WEBHOOK_EXAMPLE),
      404: unknown,
      400: notSo,
      409: refusal(
        'the webhook of WEBHOOK_URL is changed by its vars; or the key is missing that its secrets are sealed with; or too many change it at once',
      ),
    },
  }),
  async (c) => {
    const { config } = c.var
    const changes = c.req.valid('json')
    const webhook = await change(c.env, config, c.req.valid('param').id, (before, unreadable) =>
      changedBy(before, changes, config, unreadable),
    )
    return c.json(await showWebhook(c.env, webhook), 200)
  },
)

webhooks.openapi(
  createRoute({
    method: 'delete',
    path: '/webhooks/{id}',
    operationId: 'deleteWebhook',
    tags,
    summary: 'Removes a webhook, with its dead letters and all events that have not reached it',
    request: { params },
    responses: { 204: DONE, 404: unknown, 409: ofVars },
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
