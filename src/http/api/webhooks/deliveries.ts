import { z } from '../zod.ts'
import type { Delivery, DeliveryPlace } from '../../../device/views/deliveries.ts'
import { atEnrollment } from '../device-id.ts'
import { DEVICE_PARAMS, operation } from '../operation.ts'
import { listOf, pageOfRows, pageQuery, readCursor, writeCursor } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { atOrNull, iso, textOrNull, time } from '../values.ts'
import { topicWord } from '../words.ts'
import { webhookOf } from './access.ts'

/** The events of a device, and whether webhooks have received them. */
export const deliveryRoutes = newRoutes()

const delivery = z
  .object({
    webhook_id: z.string(),
    device_id: z.string(),
    sequence: z.int(),
    event_id: z.string(),
    topic: topicWord,
    state: z.enum(['waiting', 'retrying', 'dead', 'delivered']).openapi({
      description:
        '`waiting`: is posted when its turn comes; `retrying`: refused, posted again at ' +
        '`next_try_at`; `dead`: a dead letter; `delivered`: also a dropped Idle, and a deleted dead letter',
    }),
    attempts: z
      .int()
      .openapi({ description: 'failed posts of an event that is `retrying` or `dead`' }),
    reason: z.string().nullable().openapi({ description: 'the reason of the last failed post' }),
    created_at: time.openapi({ description: 'the time of the event' }),
    next_try_at: time.nullable(),
    replay: z.boolean().openapi({ description: 'whether the event waits because of a replay' }),
  })
  .openapi('Delivery')

const EXAMPLE: z.input<typeof delivery> = {
  webhook_id: '5b1f0c0e-9d3c-4a43-9d0b-6a1f4d2f7a10',
  device_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  sequence: 12,
  event_id: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
  topic: 'mdm.Connect',
  state: 'retrying',
  attempts: 4,
  reason: 'status 500',
  created_at: '2026-11-24T09:00:02.000Z',
  next_try_at: '2026-11-24T09:05:10.000Z',
  replay: false,
}

deliveryRoutes.openapi(
  operation('listDeliveries', 'get', '/devices/{id}/deliveries', {
    tags: ['Deliveries'],
    summary: 'Lists the events of a device, each with its state for each webhook, newest first',
    description:
      'The list has all kept events that pass the filter of a webhook. `delivered` means that the ' +
      'server no longer posts the event to it. listPosts shows what its receiver answered.',
    params: DEVICE_PARAMS,
    query: {
      ...pageQuery,
      webhook_id: z.string().optional().openapi({ description: 'only of this webhook' }),
    },
    answers: { 200: listOf('a page of deliveries', delivery, EXAMPLE) },
    problems: { 404: 'no such webhook, or no device or user channel has this id' },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { cursor, limit, webhook_id: webhook } = c.req.valid('query')
    const filter = { subscriber: webhook, before: placeOf(cursor), limit: limit + 1 }
    const { device, deliveries: rows } = await atEnrollment(c.env, id, (stub, address) =>
      stub.viewDeliveries(address, filter),
    )
    if (rows.length === 0 && webhook !== undefined) {
      await webhookOf(c.env, c.var.config, webhook)
    }
    const page = pageOfRows({ rows, total: null }, limit, {
      item: (row) => deliveryJson(device, row),
      cursor: ({ sequence, subscriber }) => writeCursor(`delivery ${sequence} ${subscriber}`),
    })
    return c.json(page, 200)
  },
)

function placeOf(cursor: string | undefined): DeliveryPlace | undefined {
  const [sequence, subscriber] = readCursor(cursor, /^delivery ([1-9]\d{0,14}) (\S+)$/) ?? []
  return sequence === undefined || subscriber === undefined
    ? undefined
    : { sequence: Number(sequence), subscriber }
}

function deliveryJson(device: string, one: Delivery): z.input<typeof delivery> {
  return {
    webhook_id: one.subscriber,
    device_id: device,
    sequence: one.sequence,
    event_id: one.event,
    topic: one.topic,
    state: one.state,
    attempts: one.tries,
    reason: textOrNull(one.reason),
    created_at: iso(one.at),
    next_try_at: atOrNull(one.nextAt ?? 0),
    replay: one.replay,
  }
}
