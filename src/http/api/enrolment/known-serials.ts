import { createRoute, z } from '@hono/zod-openapi'
import { clock } from '../../../clock.ts'
import { addSerials, listSerials, removeSerials } from '../../../directory/devices/known-serials.ts'
import { AdminError } from '../../at-device.ts'
import { listOf, pageOfRows, pageQuery, placeCursor, placeIn, sortBy } from '../paging.ts'
import { serialNumber } from '../serial-number.ts'
import { answer, body, DONE, refusal } from '../operation.ts'
import { iso, time } from '../values.ts'
import { newRoutes } from '../routes.ts'

/** The devices that may enrol where `ENROLLMENT` is `known`. */
export const knownSerialRoutes = newRoutes()

const tags = ['Enrolment']
const MAX_A_CALL = 5000
const several = z.strictObject({
  ids: z
    .array(serialNumber)
    .min(1)
    .max(MAX_A_CALL)
    .openapi({ description: `up to ${MAX_A_CALL} serial numbers` }),
})
const knownSerial = z
  .object({ id: z.string().openapi({ description: 'the serial number' }), added_at: time })
  .openapi('KnownSerial')

knownSerialRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/known-serials',
    operationId: 'listKnownSerials',
    tags,
    summary: 'Lists serial numbers that may enrol',
    request: {
      query: z.strictObject({ ...pageQuery, sort: sortBy(['id', 'added_at']) }),
    },
    responses: {
      200: listOf('a page of serial numbers', knownSerial, {
        id: 'C02EXAMPLE',
        added_at: '2026-11-28T09:00:00Z',
      }),
    },
  }),
  async (c) => {
    const { cursor, limit, sort } = c.req.valid('query')
    const after = placeIn(cursor, 'serial', sort)
    const found = await listSerials(c.env.DB, { sort, after, limit })
    return c.json(
      pageOfRows(found, limit, {
        item: ({ serial, addedAt }) => ({ id: serial, added_at: iso(addedAt) }),
        cursor: ({ serial, addedAt }) =>
          placeCursor('serial', sort, {
            value: sort.field === 'id' ? serial : addedAt,
            id: serial,
          }),
      }),
      200,
    )
  },
)

knownSerialRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/known-serials',
    operationId: 'addKnownSerials',
    tags,
    summary: `Adds up to ${MAX_A_CALL} serial numbers to those that may enrol`,
    description:
      'They count with `ENROLLMENT=known`, and are kept in every mode. Small letters and blanks make no difference. Those that are listed stay as they are.',
    request: {
      body: body(several, { two: { ids: ['C02EXAMPLE', 'f9f xyz 123'] } }),
    },
    responses: {
      200: answer('done', z.object({ added: z.int() }), { added: 2 }),
    },
  }),
  async (c) => {
    const { ids } = c.req.valid('json')
    return c.json({ added: await addSerials(c.env.DB, ids, clock.now()) }, 200)
  },
)

knownSerialRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/known-serials/remove',
    operationId: 'removeKnownSerials',
    tags,
    summary: `Takes up to ${MAX_A_CALL} serial numbers off the list; devices that are enrolled stay so`,
    request: { body: body(several, { two: { ids: ['C02EXAMPLE', 'f9f xyz 123'] } }) },
    responses: {
      200: answer('how many were listed', z.object({ removed: z.int() }), { removed: 2 }),
    },
  }),
  async (c) => {
    const { ids } = c.req.valid('json')
    return c.json({ removed: await removeSerials(c.env.DB, ids) }, 200)
  },
)

knownSerialRoutes.openapi(
  createRoute({
    method: 'delete',
    path: '/known-serials/{id}',
    operationId: 'removeKnownSerial',
    tags,
    summary: 'Takes a serial number off the list; a device that is enrolled stays so',
    request: {
      params: z.object({
        id: serialNumber.openapi({
          param: { name: 'id', in: 'path' },
          description: 'a serial number',
          example: 'C02EXAMPLE',
        }),
      }),
    },
    responses: { 204: DONE, 404: refusal('it is not listed') },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    if ((await removeSerials(c.env.DB, [id])) === 0) {
      throw new AdminError(`${id} is not listed`, 'serial_not_found')
    }
    return c.body(null, 204)
  },
)
