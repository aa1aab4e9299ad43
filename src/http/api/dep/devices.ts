import { z } from '../zod.ts'
import { isObject } from '../../../apple/declarations.ts'
import { idsOfSerial } from '../../../directory/devices/serials.ts'
import {
  findDepDevice,
  searchDepDevices,
  type DepDeviceRow,
} from '../../../directory/dep/search.ts'
import { RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { answer, operation } from '../operation.ts'
import { commaList, listOf, pageOfRows, pageQuery, readCursor, writeCursor } from '../paging.ts'
import { serialNumber } from '../serial-number.ts'
import { atOrNull, flag, iso, textOrNull, time } from '../values.ts'
import { DEP_ACCOUNT_EXAMPLE, DEP_DEVICE_PARAMS, DEP_TAGS as tags } from './schema.ts'

/** Devices of accounts of Apple Business Manager. */
export const depDeviceRoutes = newRoutes()

export const NO_DEP_DEVICE = { 404: 'no account has a device with this serial number' }
const status = z.enum(['empty', 'assigned', 'pushed', 'removed']).openapi('DepProfileStatus', {
  description: '`empty`: none. `pushed`: the device has fetched it. `removed`: taken away',
})

export const depDeviceSchema = z
  .object({
    id: z.string().openapi({ description: 'the serial number' }),
    account: z.string(),
    live: z.boolean().openapi({
      description: 'it is assigned to the server in Apple Business Manager now',
    }),
    family: z.string().nullable(),
    os: z.string().nullable(),
    model: z.string().nullable(),
    description: z.string().nullable(),
    color: z.string().nullable(),
    asset_tag: z.string().nullable(),
    assigned_by: z.string().nullable(),
    assigned_at: z.string().nullable().openapi({ description: 'as Apple writes it' }),
    profile_uuid: z.string().nullable(),
    profile_status: status,
    wanted_profile_uuid: z.string().nullable().openapi({
      description: 'the profile that is to be assigned; null while nothing is to be done',
    }),
    outcome: z.string().nullable().openapi({
      description:
        'of the last assignment: `success`, or Apple’s word for its failure, in small letters',
    }),
    tries: z.int().openapi({ description: 'assignments that failed, since the last success' }),
    next_try_at: time.nullable(),
    migration_deadline: z.string().nullable().openapi({
      description:
        'by when the device has to move to this server, as Apple writes it; it is set at business.apple.com',
    }),
    device_id: z.string().nullable().openapi({
      description: 'an enrolment that reports the serial number: getDepDevice has all',
    }),
    added_at: time,
    changed_at: time,
  })
  .openapi('DepDevice')

export const DEP_DEVICE_EXAMPLE: z.input<typeof depDeviceSchema> = {
  id: 'C02ADE000001',
  account: DEP_ACCOUNT_EXAMPLE.id,
  live: true,
  family: 'Mac',
  os: 'OSX',
  model: 'MacBook Pro',
  description: 'MBP 14 SPG/8C CPU',
  color: 'SPACE GRAY',
  asset_tag: null,
  assigned_by: 'ada@example.com',
  assigned_at: '2026-11-20T10:00:00Z',
  profile_uuid: '88A3C5D1E2F4400B9C7D6E5F4A3B2C1D',
  profile_status: 'assigned',
  wanted_profile_uuid: null,
  outcome: 'success',
  tries: 0,
  next_try_at: null,
  migration_deadline: null,
  device_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  added_at: '2026-11-28T09:00:00.000Z',
  changed_at: '2026-11-28T09:00:00.000Z',
}

const text = z.string().min(1).optional()

depDeviceRoutes.openapi(
  operation('listDepDevices', 'get', '/dep/devices', {
    tags,
    summary: 'Lists devices of Apple Business Manager by their serial numbers',
    description: 'A device must match all filters.',
    query: {
      ...pageQuery,
      account: text.openapi({ description: 'only of this account' }),
      serial_number: commaList(serialNumber, 'one or more, between commas, up to 50'),
      live: flag.optional().openapi({ description: 'whether it is assigned to the server now' }),
      status: status.optional(),
      profile: text.openapi({ description: 'the uuid of the profile that it has' }),
      outcome: text.openapi({ description: 'of the last assignment' }),
      family: text.openapi({ description: 'such as Mac, iPhone or iPad' }),
      model: text.openapi({ description: 'a part of the model, in any case' }),
      unenrolled: flag.default(false).openapi({
        description: '`true`: only those that no listed enrolment reports',
      }),
    },
    answers: { 200: listOf('a page of devices', depDeviceSchema, DEP_DEVICE_EXAMPLE) },
  }),
  async (c) => {
    const {
      cursor,
      limit,
      outcome,
      profile,
      serial_number: serials,
      ...filter
    } = c.req.valid('query')
    const [serial = '', account = ''] = readCursor(cursor, /^dep (\S+) (\S+)$/) ?? []
    const found = await searchDepDevices(
      c.env.DB,
      { ...filter, outcome: outcome?.toUpperCase(), profileUuid: profile, serials },
      { after: serial === '' ? undefined : { serial, account }, limit: limit + 1 },
    )
    const page = pageOfRows(found, limit, {
      item: depDeviceJson,
      cursor: (row) => writeCursor(`dep ${row.serial} ${row.account}`),
    })
    return c.json(page, 200)
  },
)

const detail = depDeviceSchema
  .extend({
    record: z.record(z.string(), z.unknown()).openapi({
      type: 'object',
      additionalProperties: true,
      description: 'Apple’s record, with its keys',
    }),
    device_ids: z.array(z.string()).openapi({
      description: 'the devices that report this serial number: see getDevice',
    }),
  })
  .openapi('DepDeviceDetail')

depDeviceRoutes.openapi(
  operation('getDepDevice', 'get', '/dep/devices/{id}', {
    tags,
    summary: 'A device of Apple Business Manager, with its enrolment if it has one',
    params: DEP_DEVICE_PARAMS,
    answers: {
      200: answer('the device', detail, {
        ...DEP_DEVICE_EXAMPLE,
        record: { serial_number: DEP_DEVICE_EXAMPLE.id, device_family: 'Mac' },
        device_ids: ['E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'],
      }),
    },
    problems: NO_DEP_DEVICE,
  }),
  async (c) => {
    const row = await depDeviceOf(c.env.DB, c.req.valid('param').id)
    const ids = await idsOfSerial(c.env.DB, row.serial)
    return c.json({ ...depDeviceJson(row), record: recordOf(row), device_ids: ids }, 200)
  },
)

/** The device with a serial number. @throws RequestError 404 */
export async function depDeviceOf(d1: D1Database, serial: string): Promise<DepDeviceRow> {
  const row = await findDepDevice(d1, serial)
  if (row === undefined) {
    throw new RequestError(
      `no account has the device ${serial}: assign it to the server at business.apple.com, then sync`,
      'dep_device_not_found',
    )
  }
  return row
}

export function depDeviceJson(row: DepDeviceRow): z.input<typeof depDeviceSchema> {
  const record = recordOf(row)
  const said = (key: string) => {
    const value = record[key]
    return typeof value === 'string' ? textOrNull(value) : null
  }
  return {
    id: row.serial,
    account: row.account,
    live: row.live,
    family: said('device_family'),
    os: said('os'),
    model: said('model'),
    description: said('description'),
    color: said('color'),
    asset_tag: said('asset_tag'),
    assigned_by: said('device_assigned_by'),
    assigned_at: said('device_assigned_date'),
    profile_uuid: textOrNull(row.profileUuid),
    profile_status: status.options.find((word) => word === row.profileStatus) ?? 'empty',
    wanted_profile_uuid: textOrNull(row.wanted),
    outcome: textOrNull(row.outcome.toLowerCase()),
    tries: row.tries,
    next_try_at: atOrNull(row.dueAt),
    migration_deadline: said('mdm_migration_deadline'),
    device_id: row.deviceId,
    added_at: iso(row.addedAt),
    changed_at: iso(row.changedAt),
  }
}

function recordOf({ record }: DepDeviceRow): Readonly<Record<string, unknown>> {
  const read: unknown = JSON.parse(record)
  return isObject(read) ? read : {}
}
