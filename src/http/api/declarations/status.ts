import { z } from '../zod.ts'
import type { DeclarationsView } from '../../../device/declarations/view.ts'
import { RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { iso, time } from '../values.ts'
import { anyJson, askChannel, reasonJson, reasonSchema, viewAt } from './device.ts'
import { ENROLLMENT_EXAMPLE_ID } from './schema.ts'

/** The status reports of a device or a user (Apple: "StatusReport"). */
export const deviceStatusRoutes = newRoutes()

const tags = ['Declarations']

const statusSchema = z
  .object({
    id: z.string(),
    items: z.array(
      z.object({ name: z.string(), value: anyJson, reported_at: time }).openapi('StatusItem'),
    ),
    errors: z
      .array(z.object({ item: z.string(), reasons: z.array(reasonSchema), reported_at: time }))
      .openapi({ description: 'items that the device could not report' }),
    reports: z
      .array(
        z.object({
          id: z.int(),
          received_at: time,
          size: z.int().openapi({ description: 'in bytes' }),
          full: z.boolean().openapi({ description: 'whether it replaces all items before it' }),
          malformed: z.boolean(),
        }),
      )
      .openapi({ description: 'the last reports, newest first' }),
  })
  .openapi('DeviceStatus')

deviceStatusRoutes.openapi(
  operation('getDeviceStatus', 'get', '/devices/{id}/status', {
    tags,
    summary: 'What a device or a user reports of itself, and its last reports',
    description:
      'Besides a few items of the server itself, a device reports what a declaration of the type ' +
      'com.apple.configuration.management.status-subscriptions names.',
    params: DEVICE_PARAMS,
    answers: {
      200: answer('its status', statusSchema, {
        id: ENROLLMENT_EXAMPLE_ID,
        items: [
          {
            name: 'device.operating-system.version',
            value: '26.1',
            reported_at: '2026-11-28T09:00:04Z',
          },
        ],
        errors: [],
        reports: [
          { id: 7, received_at: '2026-11-28T09:00:04Z', size: 812, full: true, malformed: false },
        ],
      }),
    },
    problems: NO_DEVICE,
  }),
  async (c) => c.json(statusJson(await viewAt(c.env, c.req.valid('param').id)), 200),
)

deviceStatusRoutes.openapi(
  operation('getStatusReport', 'get', '/devices/{id}/status/reports/{report_id}', {
    tags,
    summary: 'A status report, byte for byte',
    params: {
      ...DEVICE_PARAMS,
      report_id: z.string().openapi({
        param: { name: 'report_id', in: 'path' },
        description: 'as getDeviceStatus shows it',
        example: '7',
      }),
    },
    answers: {
      200: {
        description: 'JSON, unless the report is malformed',
        content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
      },
    },
    problems: { 404: 'no such device or user channel, or the report is no longer kept' },
  }),
  async (c) => {
    const { id, report_id: wanted } = c.req.valid('param')
    const { reports } = await viewAt(c.env, id)
    const index = reports.findIndex((one) => String(one.id) === wanted)
    const { report } = await askChannel(c.env, id, { kind: 'report', index })
    // A report that came in between moves the others.
    if (!report || String(report.id) !== wanted) {
      throw new RequestError(
        `no report ${wanted} is kept: GET /api/devices/{id}/status lists them`,
        'report_not_found',
      )
    }
    return c.body(report.text, 200, { 'content-type': 'application/octet-stream' })
  },
)

function statusJson(view: DeclarationsView): z.input<typeof statusSchema> {
  return {
    id: view.enrollment,
    items: view.items.map(({ name, value, at }) => ({ name, value, reported_at: iso(at) })),
    errors: view.errors.map(({ item, reasons, at }) => ({
      item,
      reasons: reasons.map(reasonJson),
      reported_at: iso(at),
    })),
    reports: view.reports.map(({ id, at, bytes, full, malformed }) => ({
      id,
      received_at: iso(at),
      size: bytes,
      full,
      malformed,
    })),
  }
}
