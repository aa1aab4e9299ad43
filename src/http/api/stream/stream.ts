import { z } from '../zod.ts'
import { LIVE_KINDS, LIVE_TOPICS } from '../../../live/entry.ts'
import { faultAt } from '../../request-error.ts'
import { idText } from '../device-id.ts'
import { newRoutes } from '../new-routes.ts'
import { operation } from '../operation.ts'
import { commaList, several } from '../paging.ts'
import { digits } from '../values.ts'
import { openStream } from './open.ts'

/** What happens in the fleet, as it happens: docs/stream.md. */
export const streamRoutes = newRoutes()

/** Each has a socket of its own. */
const MAX_DEVICES = 10

export const activityFilter = {
  topic: several(z.enum(LIVE_TOPICS), 'only these topics: the word before the dot of `kind`'),
  kind: several(z.enum(LIVE_KINDS), 'only these kinds'),
}

streamRoutes.openapi(
  operation('stream', 'get', '/stream', {
    tags: ['Activity'],
    summary: 'Streams what happens, as Server-Sent Events',
    description:
      'Entries are `Activity` objects; other events are `hello`, `missed`, `ping` and `end`. After ' +
      '`missed`, and after a `hello` with `"missed": true`, read again what you show. Best effort: use ' +
      'webhooks for what must not be lost.',
    query: {
      ...activityFilter,
      device: commaList(idText, `only these devices, up to ${MAX_DEVICES}, straight from each`),
      after: digits(z.int().min(0))
        .optional()
        .openapi({ description: 'the last `id` that you have, in place of `Last-Event-ID`' }),
    },
    headers: {
      'last-event-id': z
        .string()
        .optional()
        .openapi({ description: 'the last `id` that you have: EventSource sends it' }),
    },
    answers: {
      200: {
        description: 'the stream; it ends after ten minutes, or when the key does: connect again',
        content: { 'text/event-stream': { schema: { type: 'string' } } },
      },
    },
    problems: { 404: 'no device or user channel has one of the ids' },
  }),
  async (c) => {
    const { topic, kind, device = [], after } = c.req.valid('query')
    const last = c.req.valid('header')['last-event-id']
    const known = last === undefined ? after : /^\d{1,15}$/.test(last) ? Number(last) : 0
    if (device.length > MAX_DEVICES) {
      throw faultAt('query.device', `has to be at most ${MAX_DEVICES} devices`)
    }
    const devices = [...new Set(device)]
    const filter = { topics: topic, kinds: kind }
    const headers = { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' }
    return c.req.method === 'HEAD'
      ? c.body(null, 200, headers)
      : c.body(await openStream(c, { devices, filter, after: known }), 200, headers)
  },
)
