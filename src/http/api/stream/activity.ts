import { z } from '../zod.ts'
import { LIVE_NAME } from '../../../live/publish.ts'
import { newRoutes } from '../new-routes.ts'
import { operation } from '../operation.ts'
import { listOf, numberCursor, numberedPage, pageQuery } from '../paging.ts'
import { ACTIVITY_EXAMPLE, activityJson, activitySchema } from './json.ts'
import { activityFilter } from './stream.ts'
import { keepWatched } from './watch.ts'

/** What happened last in the fleet. */
export const activityRoutes = newRoutes()

activityRoutes.openapi(
  operation('listActivity', 'get', '/activity', {
    tags: ['Activity'],
    summary: 'Lists what happened last, newest first',
    description:
      'It has what happened while somebody watched: a stream was open, or this list was read within ten ' +
      'minutes. At most 2,000 moments are kept. One request looks through 200 of them: with a filter, a ' +
      'page may have fewer items, or none, and still have `next`.',
    query: {
      ...pageQuery,
      ...activityFilter,
      device: z
        .string()
        .optional()
        .openapi({ description: 'only the device with this id or serial number' }),
      actor: z
        .string()
        .optional()
        .openapi({ description: 'only what this person or key has queued' }),
    },
    answers: { 200: listOf('a page of the newest entries', activitySchema, ACTIVITY_EXAMPLE) },
  }),
  async (c) => {
    const { cursor, limit, topic, kind, device, actor } = c.req.valid('query')
    const query = {
      before: numberCursor(cursor, 'activity') ?? Infinity,
      limit,
      filter: {
        topics: topic,
        kinds: kind,
        devices: device === undefined ? undefined : [device],
        actor,
      },
    }
    const live = c.env.LIVE.getByName(LIVE_NAME)
    const { entries, next } = await live.activity(query, await keepWatched(c.env))
    return c.json(numberedPage('activity', entries.map(activityJson), next), 200)
  },
)
