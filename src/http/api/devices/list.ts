import { sortPlaceOf, searchDevices } from '../../../directory/devices/search.ts'
import { deviceQuery, filterOf } from '../device-filter.ts'
import { operation } from '../operation.ts'
import { listOf, sortedList } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { DEVICE_EXAMPLE, deviceJson, deviceSchema } from './json.ts'

/** The devices of the directory. */
export const deviceListRoutes = newRoutes()

const list = sortedList('device', [
  'id',
  'device_name',
  'serial_number',
  'last_seen_at',
  'model_name',
  'os_version',
  'state',
  'push_state',
  'enrolled_at',
  'identity_not_after',
])

deviceListRoutes.openapi(
  operation('listDevices', 'get', '/devices', {
    tags: ['Devices'],
    summary: 'Lists devices, or finds devices by filters',
    description:
      'A device must match all filters. `last_seen_at` may lag by LAST_SEEN_RESOLUTION and 20 seconds.',
    query: { ...list.query, ...deviceQuery },
    answers: { 200: listOf('a page of devices', deviceSchema, DEVICE_EXAMPLE) },
  }),
  async (c) => {
    const { cursor, limit, sort, ...words } = c.req.valid('query')
    const page = await list.page(
      { cursor, limit, sort },
      {
        read: (range) => searchDevices(c.env.DB, filterOf(words), range),
        item: deviceJson,
        place: sortPlaceOf,
      },
    )
    return c.json(page, 200)
  },
)
