import { z } from '../zod.ts'
import type { Post } from '../../../webhooks/log.ts'
import { idText } from '../device-id.ts'
import { operation } from '../operation.ts'
import { listOf, numberCursor, numberedPage, pageQuery } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { iso, textOrNull, time } from '../values.ts'
import { topicWord } from '../words.ts'
import { NO_WEBHOOK, webhookOf } from './access.ts'
import { WEBHOOK_PARAMS } from './schema.ts'

/** The newest posts of a webhook. */
export const postRoutes = newRoutes()

export const postOutcome = z
  .enum(['delivered', 'refused', 'down'])
  .openapi({ description: '`down`: no answer, or one that asks for a retry' })

const post = z
  .object({
    device_id: z.string(),
    sequence: z.int(),
    event_id: z.string(),
    topic: topicWord,
    state: postOutcome,
    attempt: z.int().openapi({ description: 'counts the tries of this event, from 1' }),
    replay: z.boolean(),
    status: z.int().nullable().openapi({ description: 'null when there was no answer' }),
    reason: z.string().nullable().openapi({ description: 'why the event was not delivered' }),
    latency_ms: z.int(),
    at: time,
  })
  .openapi('Post')

const EXAMPLE: z.input<typeof post> = {
  device_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  sequence: 12,
  event_id: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
  topic: 'mdm.Connect',
  state: 'delivered',
  attempt: 1,
  replay: false,
  status: 200,
  reason: null,
  latency_ms: 38,
  at: '2026-11-24T09:00:02.000Z',
}

postRoutes.openapi(
  operation('listPosts', 'get', '/webhooks/{id}/posts', {
    tags: ['Deliveries'],
    summary: 'Lists the newest posts of a webhook, one entry for each try, newest first',
    description:
      'The list has the newest 500 posts, which are in memory. After a restart it has the ' +
      'failed ones among them, at most 100, and of these the last 10 seconds can be missing.',
    params: WEBHOOK_PARAMS,
    query: {
      ...pageQuery,
      device_id: idText.optional().openapi({ description: 'only events of this device' }),
      state: postOutcome.optional(),
    },
    answers: { 200: listOf('a page of posts', post, EXAMPLE) },
    problems: NO_WEBHOOK,
  }),
  async (c) => {
    const { cursor, limit, device_id: device, state } = c.req.valid('query')
    const before = numberCursor(cursor, 'post') ?? Number.MAX_SAFE_INTEGER
    const { id } = await webhookOf(c.env, c.var.config, c.req.valid('param').id)
    const found = await c.env.SUBSCRIBER.getByName(id).recent({
      before,
      limit: limit + 1,
      ...(device === undefined ? {} : { device }),
      ...(state === undefined ? {} : { outcome: state }),
    })
    const page = found.slice(0, limit)
    const last = found.length > limit ? page.at(-1)?.n : undefined
    return c.json(numberedPage('post', page.map(postJson), last), 200)
  },
)

function postJson(one: Post): z.input<typeof post> {
  return {
    device_id: one.device,
    sequence: one.sequence,
    event_id: one.event,
    topic: one.topic,
    state: one.outcome,
    attempt: one.attempt,
    replay: one.replay,
    status: one.status || null,
    reason: textOrNull(one.reason),
    latency_ms: one.latency,
    at: iso(one.at),
  }
}
