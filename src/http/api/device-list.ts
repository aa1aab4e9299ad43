import { createRoute, z } from '@hono/zod-openapi'
import { PLATFORMS } from '../../apple/platform.ts'
import { searchDevices } from '../../directory/search.ts'
import { AdminError } from '../at-device.ts'
import { FACTS, facts, PUSH, STATES } from './devices.ts'
import {
  answer,
  atOrNull,
  newRoutes,
  nextCursor,
  pageQuery,
  readCursor,
  several,
  writeCursor,
} from './frame.ts'
import { moment } from './moment.ts'

/** Devices as the directory finds them. */
export const deviceList = newRoutes()

const tags = ['Devices']
const MAX_SERIALS = 50

const listed = z
  .object({
    ...facts,
    push: z.enum(['', ...PUSH]),
    contested: z.boolean().openapi({ description: 'its enrolment is not proven' }),
  })
  .openapi('ListedDevice')

deviceList.openapi(
  createRoute({
    method: 'get',
    path: '/devices',
    operationId: 'listDevices',
    tags,
    summary: 'Finds devices',
    description:
      'Filters are put together with “and”. `last_seen` is exact to LAST_SEEN_RESOLUTION.',
    request: {
      query: z.strictObject({
        ...pageQuery,
        q: z.string().optional().openapi({ description: 'part of id, serial number or name' }),
        serial: z.string().optional().openapi({ description: 'one or more, between commas' }),
        name: z.string().optional().openapi({ description: 'part of the name' }),
        model: z.string().optional().openapi({ description: 'model, model name or product name' }),
        platform: z.enum(PLATFORMS).optional(),
        os: z.string().optional().openapi({ description: '26 finds 26.1 too' }),
        state: z
          .string()
          .optional()
          .openapi({
            description: `one or more, between commas: ${STATES.join(', ')}`,
            example: 'enrolled',
          }),
        push: z
          .string()
          .optional()
          .openapi({
            description: `one or more, between commas: ${PUSH.join(', ')}`,
            example: 'ready,failing',
          }),
        contested: z.enum(['true', 'false']).optional().openapi({
          description: 'whether the enrolment is contested: see decideEnrollments',
        }),
        seen_before: moment.optional(),
        seen_after: moment.optional(),
        serial_number_contested: z
          .enum(['true', 'false'])
          .optional()
          .openapi({ description: 'whether another device contests its serial number' }),
      }),
    },
    responses: {
      200: answer('a page of devices', z.object({ devices: z.array(listed), next: nextCursor }), {
        devices: [{ ...FACTS, push: 'ready', contested: false }],
        next: null,
      }),
    },
  }),
  async (c) => {
    const query = c.req.valid('query')
    const serials = several('serial', query.serial)
    if (serials.length > MAX_SERIALS) {
      throw new AdminError(`query.serial: at most ${MAX_SERIALS} at once`, 400)
    }
    const [after = ''] = readCursor(query.cursor, /^device (.+)$/s) ?? []
    const found = await searchDevices(
      c.env.DB,
      {
        text: query.q,
        serials,
        name: query.name,
        model: query.model,
        platform: query.platform,
        os: query.os,
        states: several('state', query.state, STATES),
        push: several('push', query.push, PUSH),
        contested: query.contested === undefined ? undefined : query.contested === 'true',
        seenBefore: query.seen_before,
        seenAfter: query.seen_after,
        serialContested: query.serial_number_contested && query.serial_number_contested === 'true',
      },
      { after, limit: query.limit + 1 },
    )
    const page = found.slice(0, query.limit)
    return c.json(
      {
        devices: page.map((device) => ({
          id: device.id,
          type: device.type,
          state: knownOr('', STATES, device.state),
          serial_number: device.serialNumber,
          serial_number_proven: device.serialProven,
          serial_number_contested: device.isContested,
          device_name: device.deviceName,
          model: device.model,
          model_name: device.modelName,
          product_name: device.productName,
          os_version: device.osVersion,
          build_version: device.buildVersion,
          last_seen: atOrNull(device.lastSeen),
          push: knownOr('', PUSH, device.push),
          contested: device.contested,
        })),
        next: found.length > query.limit ? writeCursor(`device ${page.at(-1)?.id ?? ''}`) : null,
      },
      200,
    )
  },
)

/** A row of before the column was there says nothing. */
function knownOr<Known extends string, Other extends string>(
  other: Other,
  known: readonly Known[],
  value: string,
): Known | Other {
  return known.find((one) => one === value) ?? other
}
