import { createRoute, z } from '@hono/zod-openapi'
import { placeOf, searchDevices } from '../../../directory/devices/search.ts'
import { deviceQuery, filterOf } from '../device-filter.ts'
import { DEVICE_EXAMPLE, deviceJson, deviceSchema } from './json.ts'
import { listOf, pageOfRows, pageQuery, placeCursor, placeIn, sortBy } from '../paging.ts'
import { newRoutes } from '../routes.ts'

/** Devices as the directory finds them. */
export const deviceListRoutes = newRoutes()

const sort = sortBy(['id', 'device_name', 'serial_number', 'last_seen_at'])

deviceListRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/devices',
    operationId: 'listDevices',
    tags: ['Devices'],
    summary: 'Lists devices, and finds them',
    description:
      'Filters are put together with “and”. `last_seen_at` is exact to LAST_SEEN_RESOLUTION.',
    request: { query: z.strictObject({ ...pageQuery, sort, ...deviceQuery }) },
    responses: { 200: listOf('a page of devices', deviceSchema, DEVICE_EXAMPLE) },
  }),
  async (c) => {
    const { cursor, limit, sort: by, ...words } = c.req.valid('query')
    const after = placeIn(cursor, 'device', by)
    const found = await searchDevices(c.env.DB, filterOf(words), { sort: by, after, limit })
    return c.json(
      pageOfRows(found, limit, {
        item: deviceJson,
        cursor: (last) => placeCursor('device', by, placeOf(last, by.field)),
      }),
      200,
    )
  },
)
