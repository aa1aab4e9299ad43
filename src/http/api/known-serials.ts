import { createRoute, z } from '@hono/zod-openapi'
import { clock } from '../../clock.ts'
import { addSerials, listSerials, removeSerials } from '../../directory/known-serials.ts'
import { rfc3339 } from '../../events/event.ts'
import { AdminError } from '../at-device.ts'
import {
  answer,
  body,
  newRoutes,
  nextCursor,
  pageQuery,
  readCursor,
  refusal,
  writeCursor,
} from './frame.ts'
import { serialNumber } from './serial-number.ts'

/** The devices that may enrol where `ENROLLMENT` is `known`. */
export const knownSerials = newRoutes()

const tags = ['Enrolment']
const MAX_A_CALL = 5000
const several = z.strictObject({ serials: z.array(serialNumber).min(1).max(MAX_A_CALL) })

knownSerials.openapi(
  createRoute({
    method: 'get',
    path: '/known-serials',
    operationId: 'listKnownSerials',
    tags,
    summary: 'Serial numbers that may enrol, in their order',
    request: { query: z.strictObject(pageQuery) },
    responses: {
      200: answer(
        'a page of them',
        z.object({
          serials: z.array(z.object({ serial_number: z.string(), added_at: z.iso.datetime() })),
          next: nextCursor,
        }),
        {
          serials: [{ serial_number: 'C02EXAMPLE', added_at: '2026-11-28T09:00:00Z' }],
          next: null,
        },
      ),
    },
  }),
  async (c) => {
    const { cursor, limit } = c.req.valid('query')
    const [after = ''] = readCursor(cursor, /^serial ([!-~]+)$/) ?? []
    const ahead = await listSerials(c.env.DB, after, limit + 1)
    const listed = ahead.slice(0, limit)
    const last = ahead.length > limit ? listed.at(-1) : undefined
    return c.json(
      {
        serials: listed.map(({ serial, addedAt }) => ({
          serial_number: serial,
          added_at: rfc3339(addedAt),
        })),
        next: last ? writeCursor(`serial ${last.serial}`) : null,
      },
      200,
    )
  },
)

knownSerials.openapi(
  createRoute({
    method: 'post',
    path: '/known-serials',
    operationId: 'addKnownSerials',
    tags,
    summary: `Adds up to ${MAX_A_CALL} serial numbers to those that may enrol`,
    description:
      'They count with `ENROLLMENT=known`, and are kept in every mode. Small letters and blanks make no difference. Those that are listed stay as they are.',
    request: {
      body: body(several, { two: { serials: ['C02EXAMPLE', 'f9f xyz 123'] } }),
    },
    responses: {
      200: answer('done', z.object({ added: z.int() }), { added: 2 }),
    },
  }),
  async (c) => {
    const { serials } = c.req.valid('json')
    return c.json({ added: await addSerials(c.env.DB, serials, clock.now()) }, 200)
  },
)

knownSerials.openapi(
  createRoute({
    method: 'post',
    path: '/known-serials/remove',
    operationId: 'removeKnownSerials',
    tags,
    summary: `Takes up to ${MAX_A_CALL} serial numbers off the list; devices that are enrolled stay so`,
    request: { body: body(several, { two: { serials: ['C02EXAMPLE', 'f9f xyz 123'] } }) },
    responses: {
      200: answer('how many were listed', z.object({ removed: z.int() }), { removed: 2 }),
    },
  }),
  async (c) => {
    const { serials } = c.req.valid('json')
    return c.json({ removed: await removeSerials(c.env.DB, serials) }, 200)
  },
)

knownSerials.openapi(
  createRoute({
    method: 'delete',
    path: '/known-serials/{serial}',
    operationId: 'removeKnownSerial',
    tags,
    summary: 'Takes a serial number off the list; a device that is enrolled stays so',
    request: {
      params: z.object({
        serial: serialNumber.openapi({
          param: { name: 'serial', in: 'path' },
          example: 'C02EXAMPLE',
        }),
      }),
    },
    responses: { 200: answer('done', z.object({}), {}), 404: refusal('it is not listed') },
  }),
  async (c) => {
    const { serial } = c.req.valid('param')
    if ((await removeSerials(c.env.DB, [serial])) === 0) {
      throw new AdminError(`${serial} is not listed`, 'serial_not_found')
    }
    return c.json({}, 200)
  },
)
