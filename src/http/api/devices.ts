import { createRoute, z } from '@hono/zod-openapi'
import { serialOf } from '../../directory/serials.ts'
import { expectedDevices } from '../../directory/users.ts'
import type { DevicePage } from '../../device/page.ts'
import { enrollmentId } from '../../mdm/enrollment.ts'
import { pushJson } from './command-json.ts'
import { pushNote } from './command-schema.ts'
import { contestJson, contestSchema } from './contests.ts'
import { knownDevice } from './device-id.ts'
import { serialFields } from './serial-numbers.ts'
import { identityJson, identitySchema } from './identities.ts'
import { inventoryJson, inventorySchema } from './inventory.ts'
import { answer, atOrNull, deviceId, newRoutes, refusal, time } from './frame.ts'

/** Devices: found in the directory, and each by itself, as its own object knows it. */
export const devices = newRoutes()

const tags = ['Devices']
export const STATES = ['unknown', 'authenticated', 'enrolled', 'checked_out'] as const
export const PUSH = ['none', 'ready', 'failing'] as const

export const facts = {
  id: z.string(),
  type: z.string(),
  state: z.enum(['', ...STATES]),
  ...serialFields,
  device_name: z.string(),
  model: z.string(),
  model_name: z.string(),
  product_name: z.string(),
  os_version: z.string(),
  build_version: z.string(),
  last_seen: time.nullable(),
}
export const FACTS = {
  id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  type: 'Device',
  state: 'enrolled' as const,
  serial_number: 'C02ABCDEFGHJ',
  serial_number_proven: false,
  serial_number_contested: false,
  device_name: 'Ada’s MacBook',
  model: 'MacBookPro18,1',
  model_name: 'MacBook Pro',
  product_name: 'MacBookPro18,1',
  os_version: '26.1',
  build_version: '25B78',
  last_seen: '2026-11-24T09:00:02.000Z',
}

const channel = z.object({
  id: z.string(),
  user: z.string().openapi({ description: 'empty for the device channel' }),
  enabled: z.boolean(),
  token_at: time.nullable(),
  awaiting_configuration: z.boolean(),
  waiting_under_user_id: z.boolean().openapi({
    description:
      'commands were queued under the bare UserID before the channel was there: see `/api/devices/{UserID}/commands/waiting`',
  }),
  push: z.object({
    state: z.enum(PUSH),
    reason: z.string().openapi({ description: 'why APNs takes its token no more' }),
    last: pushNote,
  }),
  queue: z.object({
    waiting: z.int(),
    by_state: z.record(z.string(), z.int()),
    oldest_queued_at: time.nullable(),
    not_now_since: time.nullable(),
  }),
})

const page = z
  .object({
    ...facts,
    imei: z.string(),
    meid: z.string(),
    blocked: z.boolean(),
    deleted: z.boolean().openapi({ description: 'off the lists until it enrols again' }),
    contest: contestSchema,
    channels: z.array(channel),
    identities: z.array(identitySchema),
    inventory: inventorySchema,
  })
  .openapi('Device')

devices.openapi(
  createRoute({
    method: 'get',
    path: '/devices/{id}',
    operationId: 'getDevice',
    tags,
    summary: 'A device: channels, certificates, push state, queue and latest inventory',
    request: { params: z.object({ id: deviceId }) },
    responses: {
      200: answer('the device', page, {
        ...FACTS,
        imei: '',
        meid: '',
        blocked: false,
        deleted: false,
        contest: null,
        channels: [
          {
            id: FACTS.id,
            user: '',
            enabled: true,
            token_at: '2026-11-24T08:00:00.000Z',
            awaiting_configuration: false,
            waiting_under_user_id: false,
            push: { state: 'ready', reason: '', last: null },
            queue: {
              waiting: 2,
              by_state: { queued: 1, not_now: 1 },
              oldest_queued_at: '2026-11-24T09:00:00.000Z',
              not_now_since: '2026-11-24T09:00:02.000Z',
            },
          },
        ],
        identities: [],
        inventory: {
          DeviceInformation: {
            at: '2026-11-24T09:00:02.000Z',
            command_id: `${FACTS.id}.17`,
            value: { OSVersion: '26.1' },
          },
          SecurityInfo: null,
          ProfileList: null,
          InstalledApplicationList: null,
        },
      }),
      404: refusal('nothing is known of such a device'),
    },
  }),
  async (c) => {
    const device = await knownDevice(c.env, c.req.valid('param').id)
    const users = device.channels.map(({ user }) => user).filter(Boolean)
    const [expected, serial] = await Promise.all([
      users.length === 0 ? [] : expectedDevices(c.env.DB, users),
      serialOf(c.env.DB, device.id),
    ])
    return c.json(pageJson(device, expected, serial), 200)
  },
)

function pageJson(
  device: DevicePage,
  expected: readonly string[],
  serial: Awaited<ReturnType<typeof serialOf>>,
): z.input<typeof page> {
  return {
    id: device.id,
    type: device.type,
    state: device.state,
    serial_number: device.facts.SerialNumber,
    serial_number_proven: serial.proven,
    serial_number_contested: serial.contested,
    device_name: device.facts.DeviceName,
    model: device.facts.Model,
    model_name: device.facts.ModelName,
    product_name: device.facts.ProductName,
    os_version: device.facts.OSVersion,
    build_version: device.facts.BuildVersion,
    imei: device.facts.IMEI,
    meid: device.facts.MEID,
    last_seen: atOrNull(device.lastSeen),
    blocked: device.blocked,
    deleted: device.hidden,
    contest: contestJson(device.contest),
    channels: device.channels.map((one) => ({
      id: enrollmentId(device.id, one.user),
      user: one.user,
      enabled: one.enabled,
      token_at: atOrNull(one.tokenAt),
      awaiting_configuration: one.awaitingConfiguration,
      waiting_under_user_id: expected.includes(one.user),
      push: { ...one.push, last: pushJson(one.push.last) },
      queue: {
        waiting: one.queue.waiting,
        by_state: { ...one.queue.byState },
        oldest_queued_at: atOrNull(one.queue.oldestQueuedAt),
        not_now_since: atOrNull(one.queue.notNowSince),
      },
    })),
    identities: device.identities.map(identityJson),
    inventory: inventoryJson(device.inventory),
  }
}
