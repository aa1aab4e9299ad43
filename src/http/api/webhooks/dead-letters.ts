import { createRoute, z } from '@hono/zod-openapi'
import type { DeadLetter } from '../../../webhooks/dead-letters.ts'
import { AdminError } from '../../admin-error.ts'
import { listOf, numberCursor, numberedPage, pageQuery } from '../paging.ts'
import { activeWebhook, webhookOf } from './access.ts'
import { topicWord } from '../words.ts'
import { answer, body, DONE, refusal } from '../operation.ts'
import { iso, time } from '../values.ts'
import { newRoutes } from '../routes.ts'

/** Events that a webhook's receiver did not take for three days. */
export const deadLetters = newRoutes()

const tags = ['Deliveries']
/** Each is a call of its device's object: as many as the free plan allows within one request. */
const RETRY_AT_ONCE = 40
const webhookId = z.string().openapi({
  description: 'a webhook’s id',
  example: '5b1f0c0e-9d3c-4a43-9d0b-6a1f4d2f7a10',
})
const params = z.object({
  id: z.string().openapi({
    param: { name: 'id', in: 'path' },
    description: 'as the list shows it',
    example: '5b1f0c0e-9d3c-4a43-9d0b-6a1f4d2f7a10.1',
  }),
})
const unknown = refusal('no such dead letter')
const inactive = refusal('the webhook is switched off, or the key of its secrets is missing')

const letter = z
  .object({
    id: z.string(),
    webhook_id: z.string(),
    device_id: z.string(),
    sequence: z.int(),
    event_id: z.string(),
    topic: topicWord,
    attempts: z.int(),
    reason: z.string(),
    created_at: time,
    given_up_at: time,
  })
  .openapi('DeadLetter')

deadLetters.openapi(
  createRoute({
    method: 'get',
    path: '/dead-letters',
    operationId: 'listDeadLetters',
    tags,
    summary: 'Lists events that a webhook’s receiver did not accept for three days, newest first',
    request: { query: z.strictObject({ ...pageQuery, webhook_id: webhookId }) },
    responses: {
      200: listOf('a page of dead letters', letter, {
        id: '5b1f0c0e-9d3c-4a43-9d0b-6a1f4d2f7a10.1',
        webhook_id: '5b1f0c0e-9d3c-4a43-9d0b-6a1f4d2f7a10',
        device_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
        sequence: 12,
        event_id: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
        topic: 'mdm.Connect',
        attempts: 76,
        reason: 'status 500',
        created_at: '2026-11-21T09:00:02.000Z',
        given_up_at: '2026-11-24T09:12:02.000Z',
      }),
      404: refusal('no such webhook'),
    },
  }),
  async (c) => {
    const { cursor, limit, webhook_id: id } = c.req.valid('query')
    await webhookOf(c.env, c.var.config, id)
    const before = numberCursor(cursor, 'dead-letter') ?? Number.MAX_SAFE_INTEGER
    const found = await c.env.SUBSCRIBER.getByName(id).deadLetters(before, limit + 1)
    const page = found.slice(0, limit)
    const last = found.length > limit ? page.at(-1)?.n : undefined
    const items = page.map((one) => letterJson(id, one))
    return c.json(numberedPage('dead-letter', items, last), 200)
  },
)

deadLetters.openapi(
  createRoute({
    method: 'post',
    path: '/dead-letters/retry',
    operationId: 'retryDeadLetters',
    tags,
    summary: `Tries a webhook’s oldest ${RETRY_AT_ONCE} dead letters again; repeat it while some are left`,
    request: {
      body: body(z.strictObject({ webhook_id: webhookId }), { all: { webhook_id: 'webhook' } }),
    },
    responses: {
      200: answer(
        'how many are tried again, how many their devices no longer keep, how many are left',
        z.object({ retried: z.int(), gone: z.int(), left: z.int() }),
        { retried: 40, gone: 0, left: 12 },
      ),
      404: refusal('no such webhook'),
      409: inactive,
    },
  }),
  async (c) => {
    const { id } = await activeWebhook(c.env, c.var.config, c.req.valid('json').webhook_id)
    return c.json(await c.env.SUBSCRIBER.getByName(id).retryDeadLetters(RETRY_AT_ONCE), 200)
  },
)

deadLetters.openapi(
  createRoute({
    method: 'post',
    path: '/dead-letters/{id}/retry',
    operationId: 'retryDeadLetter',
    tags,
    summary: 'Tries a dead letter again, for three days more',
    request: { params },
    responses: {
      204: DONE,
      404: unknown,
      409: inactive,
      410: refusal('its device keeps it no longer'),
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { subscriber, n } = partsOf(id)
    await activeWebhook(c.env, c.var.config, subscriber)
    const outcome = await c.env.SUBSCRIBER.getByName(subscriber).retryDeadLetter(n)
    if (outcome === 'gone') {
      throw new AdminError(`${id} is not kept any more: only its device’s newest 100 are`, 'gone')
    }
    known(outcome === 'retried', id)
    return c.body(null, 204)
  },
)

deadLetters.openapi(
  createRoute({
    method: 'delete',
    path: '/dead-letters/{id}',
    operationId: 'deleteDeadLetter',
    tags,
    summary: 'Deletes a dead letter',
    request: { params },
    responses: { 204: DONE, 404: unknown },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { subscriber, n } = partsOf(id)
    await webhookOf(c.env, c.var.config, subscriber)
    known(await c.env.SUBSCRIBER.getByName(subscriber).deleteDeadLetter(n), id)
    return c.body(null, 204)
  },
)

function letterJson(id: string, one: DeadLetter): z.input<typeof letter> {
  return {
    id: `${id}.${one.n}`,
    webhook_id: id,
    device_id: one.device,
    sequence: one.sequence,
    event_id: one.event,
    topic: one.topic,
    attempts: one.tries,
    reason: one.reason,
    created_at: iso(one.at),
    given_up_at: iso(one.diedAt),
  }
}

/** Ids tell which webhook's they are. @throws AdminError */
function partsOf(id: string): { subscriber: string; n: number } {
  const [, subscriber = '', n = ''] = /^([a-z0-9-]+)\.([1-9]\d{0,14})$/.exec(id) ?? []
  known(subscriber !== '', id)
  return { subscriber, n: Number(n) }
}

function known(found: boolean, id: string): void {
  if (!found) {
    throw new AdminError(`no dead letter has the id ${id}`, 'dead_letter_not_found')
  }
}
