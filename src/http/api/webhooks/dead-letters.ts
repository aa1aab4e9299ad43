import { z } from '../zod.ts'
import type { DeadLetter } from '../../../webhooks/dead-letters.ts'
import { RequestError } from '../../request-error.ts'
import { answer, body, DONE, operation, pathId } from '../operation.ts'
import { listOf, numberCursor, numberedPage, pageQuery } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { iso, time } from '../values.ts'
import { topicWord } from '../words.ts'
import { activeWebhook, INACTIVE, NO_WEBHOOK, webhookOf } from './access.ts'

/** Events that the receiver of a webhook did not accept for three days. */
export const deadLetterRoutes = newRoutes()

const tags = ['Deliveries']
/** Each is a call of the object of its device: as many as the free plan allows within one request. */
const RETRY_AT_ONCE = 40
const webhookId = z.string().openapi({
  description: 'the id of a webhook',
  example: '5b1f0c0e-9d3c-4a43-9d0b-6a1f4d2f7a10',
})
const NO_DEAD_LETTER = { 404: 'no such dead letter' } as const

const deadLetter = z
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

const EXAMPLE: z.input<typeof deadLetter> = {
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
}
const params = pathId(z.string(), 'as the list shows it', EXAMPLE.id)

deadLetterRoutes.openapi(
  operation('listDeadLetters', 'get', '/dead-letters', {
    tags,
    summary: 'Lists events that the receiver of a webhook did not accept for 3 days, newest first',
    query: { ...pageQuery, webhook_id: webhookId },
    answers: { 200: listOf('a page of dead letters', deadLetter, EXAMPLE) },
    problems: NO_WEBHOOK,
  }),
  async (c) => {
    const { cursor, limit, webhook_id: id } = c.req.valid('query')
    await webhookOf(c.env, c.var.config, id)
    const before = numberCursor(cursor, 'dead-letter') ?? Number.MAX_SAFE_INTEGER
    const found = await c.env.SUBSCRIBER.getByName(id).deadLetters(before, limit + 1)
    const page = found.slice(0, limit)
    const last = found.length > limit ? page.at(-1)?.n : undefined
    const items = page.map((one) => deadLetterJson(id, one))
    return c.json(numberedPage('dead-letter', items, last), 200)
  },
)

deadLetterRoutes.openapi(
  operation('retryDeadLetters', 'post', '/dead-letters/retry', {
    tags,
    summary: `Retries the oldest ${RETRY_AT_ONCE} dead letters of a webhook; repeat it while some are left`,
    body: body(z.strictObject({ webhook_id: webhookId }), { all: { webhook_id: 'webhook' } }),
    answers: {
      200: answer(
        'how many are retried, how many their devices no longer keep, and how many are left',
        z.object({ retried: z.int(), gone: z.int(), left: z.int() }),
        { retried: 40, gone: 0, left: 12 },
      ),
    },
    problems: { ...NO_WEBHOOK, ...INACTIVE },
  }),
  async (c) => {
    const { id } = await activeWebhook(c.env, c.var.config, c.req.valid('json').webhook_id)
    return c.json(await c.env.SUBSCRIBER.getByName(id).retryDeadLetters(RETRY_AT_ONCE), 200)
  },
)

deadLetterRoutes.openapi(
  operation('retryDeadLetter', 'post', '/dead-letters/{id}/retry', {
    tags,
    summary: 'Retries a dead letter, for 3 more days',
    params,
    answers: { 204: DONE },
    problems: { ...NO_DEAD_LETTER, ...INACTIVE, 410: 'its device no longer keeps it' },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { subscriber, n } = partsOf(id)
    await activeWebhook(c.env, c.var.config, subscriber)
    const outcome = await c.env.SUBSCRIBER.getByName(subscriber).retryDeadLetter(n)
    if (outcome === 'gone') {
      throw new RequestError(`${id} is no longer kept: a device keeps only its newest 100`, 'gone')
    }
    requireFound(outcome === 'retried', id)
    return c.body(null, 204)
  },
)

deadLetterRoutes.openapi(
  operation('deleteDeadLetter', 'delete', '/dead-letters/{id}', {
    tags,
    summary: 'Deletes a dead letter',
    params,
    answers: { 204: DONE },
    problems: NO_DEAD_LETTER,
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { subscriber, n } = partsOf(id)
    await webhookOf(c.env, c.var.config, subscriber)
    requireFound(await c.env.SUBSCRIBER.getByName(subscriber).deleteDeadLetter(n), id)
    return c.body(null, 204)
  },
)

function deadLetterJson(id: string, one: DeadLetter): z.input<typeof deadLetter> {
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

/** The id of a dead letter begins with that of its webhook. @throws RequestError */
function partsOf(id: string): { subscriber: string; n: number } {
  const [, subscriber = '', n = ''] = /^([a-z0-9-]+)\.([1-9]\d{0,14})$/.exec(id) ?? []
  requireFound(subscriber !== '', id)
  return { subscriber, n: Number(n) }
}

function requireFound(found: boolean, id: string): void {
  if (!found) {
    throw new RequestError(`no dead letter has the id ${id}`, 'dead_letter_not_found')
  }
}
