import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type {
  Deliveries,
  DeliveryFilter,
  DeliveryOfEvent,
} from '../../../device/views/deliveries.ts'
import type { Attempt, Remembered } from '../../../webhooks/log.ts'
import type { Env } from '../../../env.ts'
import type { AppEnv } from '../../app-env.ts'
import { AdminError, faultAt } from '../../admin-error.ts'
import { atEnrollment, idText } from '../device-id.ts'
import { listOf, numberCursor, numberedPage, pageQuery } from '../paging.ts'
import { webhookOf } from './webhook-access.ts'
import { topicWord } from '../words.ts'
import { atOrNull, iso, textOrNull, time } from '../values.ts'
import { newRoutes } from '../routes.ts'
import { refusal } from '../operation.ts'

/** Which events reached whom. */
export const deliveries = newRoutes()

const TRIES = ['delivered', 'refused', 'down'] as const
const MAX_WEBHOOKS_ASKED = 10
/** What a device is asked for at a time. */
const EVENTS_ASKED = 1000
type DeliveryPage = Omit<Extract<Deliveries, { kind: 'deliveries' }>, 'kind'>
const delivery = z
  .object({
    webhook_id: z.string(),
    device_id: z.string(),
    sequence: z.int(),
    event_id: z.string(),
    topic: topicWord,
    state: z
      .enum([...TRIES, 'waiting', 'retrying', 'replaying', 'dead', 'dropped', 'deleted', 'passed'])
      .openapi({
        description:
          'of a try: delivered, refused, or down: no answer, or one that asks to come again. Of an event: waiting: in the device’s line; retrying: refused, tried beside the line; dead: given up; dropped: an Idle that waited too long; deleted: a dead letter thrown away; passed: the webhook is past it, and what became of it is not remembered: as a rule it was delivered',
      }),
    attempts: z.int().openapi({ description: 'as far as they are remembered' }),
    status: z
      .int()
      .nullable()
      .openapi({ description: 'of the last answer, while it is remembered' }),
    reason: z.string().nullable().openapi({ description: 'why it was not delivered' }),
    latency_ms: z.int().nullable(),
    at: time.openapi({ description: 'of the try; of the event, in a device’s list' }),
    next_try_at: time.nullable(),
    replay: z.boolean(),
  })
  .openapi('Delivery')
type DeliveryJson = z.input<typeof delivery>

deliveries.openapi(
  createRoute({
    method: 'get',
    path: '/deliveries',
    operationId: 'listDeliveries',
    tags: ['Deliveries'],
    summary: 'Lists deliveries of a webhook or of a device’s events, newest first',
    description:
      'With `device_id`: each kept event, and how far it is with each webhook that wants it, from the device’s own rows; `limit` counts events. With `webhook_id` alone: its newest posts, one entry for each try; 500 of them are in memory, and of these the newest 100 that failed outlive it.',
    request: {
      query: z.strictObject({
        ...pageQuery,
        webhook_id: z.string().optional().openapi({ description: 'a webhook’s id' }),
        device_id: idText.optional().openapi({
          description: 'an enrolment id',
          example: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
        }),
        state: z
          .enum(TRIES)
          .optional()
          .openapi({ description: 'of tries: without `device_id` only' }),
      }),
    },
    responses: {
      200: listOf('a page of deliveries', delivery, {
        webhook_id: '5b1f0c0e-9d3c-4a43-9d0b-6a1f4d2f7a10',
        device_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
        sequence: 12,
        event_id: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
        topic: 'mdm.Connect',
        state: 'delivered',
        attempts: 1,
        status: 200,
        reason: null,
        latency_ms: 38,
        at: '2026-11-24T09:00:02.000Z',
        next_try_at: null,
        replay: false,
      }),
      404: refusal('no such webhook, or nothing is known of such a device'),
    },
  }),
  async (c) => {
    const { cursor, limit, webhook_id: webhook, device_id: device, state } = c.req.valid('query')
    const before = numberCursor(cursor, 'delivery')
    if (device !== undefined && state !== undefined) {
      throw faultAt(
        'query.state',
        'it is of tries, and a device lists events: leave it or `device_id` out',
      )
    }
    if (device !== undefined) {
      return c.json(await ofDevice(c, device, { subscriber: webhook, before, limit }), 200)
    }
    if (webhook === undefined) {
      throw new AdminError('name a `webhook_id`, a `device_id`, or both in the query', 400)
    }
    await webhookOf(c.env, c.var.config, webhook)
    const tries = await c.env.SUBSCRIBER.getByName(webhook).recent({
      before: before ?? Number.MAX_SAFE_INTEGER,
      limit: limit + 1,
      ...(state ? { outcome: state } : {}),
    })
    const page = tries.slice(0, limit)
    const last = tries.length > limit ? page.at(-1)?.n : undefined
    const items = page.map((attempt) => tryJson(webhook, attempt))
    return c.json(numberedPage('delivery', items, last), 200)
  },
)

async function ofDevice(
  { env, var: { config } }: Context<AppEnv>,
  id: string,
  filter: DeliveryFilter,
) {
  const { device, deliveries: shown, next } = await pageOf(env, id, filter)
  if (shown.length === 0 && filter.subscriber !== undefined) {
    await webhookOf(env, config, filter.subscriber)
  }
  const readers = [...new Set(shown.map(({ subscriber }) => subscriber))]
  const remembered = await Promise.all(
    readers.slice(0, MAX_WEBHOOKS_ASKED).map(async (reader) => {
      return [reader, await env.SUBSCRIBER.getByName(reader).remembered(device)] as const
    }),
  )
  const known = new Map<string, Remembered>(remembered)
  const items = shown.map((one) => eventJson(device, one, known.get(one.subscriber)))
  return numberedPage('delivery', items, next)
}

/**
 * The deliveries of the next `limit` events that have any. Which events those are only its answer tells: the device is asked
 * for more of them than are shown, so that no page is empty before the last one.
 */
async function pageOf(env: Env, id: string, filter: DeliveryFilter): Promise<DeliveryPage> {
  const { subscriber, limit } = filter
  const read: DeliveryOfEvent[] = []
  let before = filter.before
  for (;;) {
    const asked = { subscriber, before, limit: EVENTS_ASKED }
    const found = await atEnrollment(env, id, (device, address) =>
      device.viewDeliveries(address, asked),
    )
    read.push(...found.deliveries)
    const events = [...new Set(read.map(({ sequence }) => sequence))]
    const last = events[limit - 1]
    if (last !== undefined && events.length > limit) {
      const shown = read.filter(({ sequence }) => sequence >= last)
      return { device: found.device, deliveries: shown, next: last }
    }
    if (found.next === undefined) {
      return { device: found.device, deliveries: read, next: undefined }
    }
    before = found.next
  }
}

function eventJson(
  device: string,
  one: DeliveryOfEvent,
  known: Remembered | undefined,
): DeliveryJson {
  const last = known?.attempts.find(({ event }) => event === one.event)
  return {
    webhook_id: one.subscriber,
    device_id: device,
    sequence: one.sequence,
    event_id: one.event,
    topic: one.topic,
    state: one.state === 'passed' ? becameOf(one.event, last, known) : one.state,
    attempts: Math.max(one.tries, last?.attempt ?? 0),
    status: last?.status || null,
    reason: textOrNull(one.reason || (last?.reason ?? '')),
    latency_ms: last?.latency ?? null,
    at: iso(one.at),
    next_try_at: one.nextAt === null ? null : atOrNull(one.nextAt),
    replay: one.state === 'replaying' || last?.replay === true,
  }
}

/** What became of an event that the webhook is past, where memory tells: nothing is called delivered that may not have been. */
function becameOf(
  id: string,
  last: Attempt | undefined,
  known: Remembered | undefined,
): DeliveryJson['state'] {
  const letGo = known?.letGo.find(({ event }) => event === id)
  if (last?.outcome === 'delivered' && last.at >= (letGo?.at ?? 0)) {
    return 'delivered'
  }
  return letGo?.what ?? 'passed'
}

function tryJson(webhook: string, one: Attempt): DeliveryJson {
  return {
    webhook_id: webhook,
    device_id: one.device,
    sequence: one.sequence,
    event_id: one.event,
    topic: one.topic,
    state: TRIES.find((state) => state === one.outcome) ?? 'refused',
    attempts: one.attempt,
    status: one.status || null,
    reason: textOrNull(one.reason),
    latency_ms: one.latency,
    at: iso(one.at),
    next_try_at: null,
    replay: one.replay,
  }
}
