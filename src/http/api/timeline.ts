import { createRoute, z } from '@hono/zod-openapi'
import { enrollmentId } from '../../mdm/enrollment.ts'
import { atDevice } from '../at-device.ts'
import {
  answer,
  deviceId,
  newRoutes,
  nextCursor,
  numberCursor,
  pageQuery,
  several,
  time,
  writeCursor,
} from './frame.ts'

/** A device's timeline: its events, after every subscriber has had them. */
export const timeline = newRoutes()

const event = z.object({
  sequence: z.int(),
  event_id: z.string(),
  topic: z.string(),
  at: time,
  enrollment_id: z.string(),
  status: z.string().optional(),
  command_uuid: z.string().optional(),
  command_id: z.string().optional(),
  fingerprint: z.string().optional(),
  renewal: z.boolean().optional(),
})

timeline.openapi(
  createRoute({
    method: 'get',
    path: '/devices/{id}/events',
    operationId: 'listEvents',
    tags: ['Devices'],
    summary: 'A device’s timeline: its events, newest first, as far as KEEP_EVENTS keeps them',
    request: {
      params: z.object({ id: deviceId }),
      query: z.object({
        ...pageQuery,
        topic: z.string().optional().openapi({ description: 'one or more, between commas' }),
        status: z
          .string()
          .optional()
          .openapi({ description: 'of reports: one or more, between commas' }),
      }),
    },
    responses: {
      200: answer('a page of events', z.object({ events: z.array(event), next: nextCursor }), {
        events: [
          {
            sequence: 12,
            event_id: '0f3a8f9e-6a0e-4c5e-8a0c-0a8c2f6d1b7e',
            topic: 'mdm.Connect',
            at: '2026-11-24T09:00:02.000Z',
            enrollment_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
            status: 'Acknowledged',
            command_uuid: '7d8e1c2b-3a4f-4b5c-9d6e-8f7a6b5c4d3e',
          },
        ],
        next: null,
      }),
    },
  }),
  async (c) => {
    const { cursor, limit, topic, status } = c.req.valid('query')
    const filter = {
      before: numberCursor(cursor),
      limit,
      topics: several('topic', topic),
      statuses: several('status', status),
    }
    const found = await atDevice(c.env, c.req.valid('param').id, (device, user) =>
      device.viewTimeline(user, filter),
    )
    return c.json(
      {
        events: found.events.map(({ sequence, id, topic: of, at, about }) => ({
          sequence,
          event_id: id,
          topic: of,
          at: new Date(at).toISOString(),
          enrollment_id: enrollmentId(about.enrollment.device, about.enrollment.user),
          status: about.status,
          command_uuid: about.commandUUID,
          command_id: about.commandId,
          fingerprint: about.fingerprint,
          renewal: about.renewal,
        })),
        next: found.next === undefined ? null : writeCursor(found.next),
      },
      200,
    )
  },
)
