import { z } from '../zod.ts'
import { platformOf } from '../../../apple/platform.ts'
import type { DevicePage } from '../../../device/views/device.ts'
import type { DepDeviceRow } from '../../../directory/dep/search.ts'
import type { FoundDevice } from '../../../directory/devices/search.ts'
import type { DeviceListing } from '../../../directory/devices/serials.ts'
import { enrollmentId, ENROLLMENT_TYPES } from '../../../mdm/enrollment.ts'
import { pushJson } from '../commands/json.ts'
import { pushNote } from '../commands/schema.ts'
import { contestJson, contestSchema } from './contests.ts'
import { identityJson, identitySchema } from '../certificates/identities.ts'
import { depDeviceJson, depDeviceSchema } from '../dep/devices.ts'
import { inventoryJson, inventorySchema } from './inventory.ts'
import { enrollmentState, enrollmentType, platformWord, pushState } from '../words.ts'
import { STANDING_EXAMPLE, standingFields, standingJson } from './standing.ts'
import { serialFields } from '../serial-number.ts'
import { atOrNull, textOrNull, time } from '../values.ts'

/** A device in a list, and one device in detail. */

export const deviceSchema = z
  .object({
    id: z.string(),
    type: enrollmentType,
    state: enrollmentState,
    platform: platformWord.nullable(),
    ...serialFields,
    device_name: z.string().nullable(),
    model: z.string().nullable(),
    model_name: z.string().nullable(),
    product_name: z.string().nullable(),
    os_version: z.string().nullable(),
    build_version: z.string().nullable(),
    last_seen_at: time.nullable(),
    push_state: pushState.openapi({ description: 'of the device channel' }),
    contested: z.boolean().openapi({ description: 'its enrolment is not proven' }),
    ...standingFields,
  })
  .openapi('Device')

export const DEVICE_EXAMPLE: z.input<typeof deviceSchema> = {
  id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
  type: 'Device',
  state: 'enrolled',
  platform: 'macOS',
  serial_number: 'C02ABCDEFGHJ',
  serial_number_proven: false,
  serial_number_contested: false,
  device_name: 'Ada’s MacBook',
  model: 'MacBookPro18,1',
  model_name: 'MacBook Pro',
  product_name: 'MacBookPro18,1',
  os_version: '26.1',
  build_version: '25B78',
  last_seen_at: '2026-11-24T09:00:02.000Z',
  push_state: 'ready',
  contested: false,
  ...STANDING_EXAMPLE,
}

const channel = z
  .object({
    id: z.string(),
    user: z.string().nullable().openapi({ description: 'null for the device channel' }),
    enabled: z.boolean(),
    token_at: time.nullable(),
    awaiting_configuration: z.boolean(),
    waiting_under_user_id: z.boolean().openapi({
      description:
        'commands were queued under the bare UserID before the channel existed: see ' +
        '`/api/devices/{UserID}/commands/waiting`',
    }),
    push_state: pushState,
    push_reason: z
      .string()
      .nullable()
      .openapi({ description: 'why APNs no longer accepts its token' }),
    pushed: pushNote,
    queue: z.object({
      waiting: z.int(),
      by_state: z.record(z.string(), z.int()),
      oldest_queued_at: time.nullable(),
      not_now_since: time.nullable(),
      next_push_at: time.nullable().openapi({
        description: 'when the server pushes again at the latest, if the device stays silent',
      }),
    }),
  })
  .openapi('Channel')

export const deviceDetailSchema = deviceSchema
  .extend({
    imei: z.string().nullable(),
    meid: z.string().nullable(),
    apple_business: depDeviceSchema.nullable().openapi({
      description:
        'what Apple Business Manager has under the serial number that the device reports; null for nothing',
    }),
    deleted: z.boolean().openapi({ description: 'not on the lists until it enrols again' }),
    contest: contestSchema,
    channels: z.array(channel),
    identities: z.array(identitySchema),
    inventory: inventorySchema,
  })
  .openapi('DeviceDetail')

export const DEVICE_DETAIL_EXAMPLE: z.input<typeof deviceDetailSchema> = {
  ...DEVICE_EXAMPLE,
  imei: null,
  meid: null,
  apple_business: null,
  deleted: false,
  contest: null,
  channels: [
    {
      id: DEVICE_EXAMPLE.id,
      user: null,
      enabled: true,
      token_at: '2026-11-24T08:00:00.000Z',
      awaiting_configuration: false,
      waiting_under_user_id: false,
      push_state: 'ready',
      push_reason: null,
      pushed: null,
      queue: {
        waiting: 2,
        by_state: { queued: 1, not_now: 1 },
        oldest_queued_at: '2026-11-24T09:00:00.000Z',
        not_now_since: '2026-11-24T09:00:02.000Z',
        next_push_at: '2026-11-24T09:15:02.000Z',
      },
    },
  ],
  identities: [],
  inventory: {
    DeviceInformation: {
      at: '2026-11-24T09:00:02.000Z',
      command_id: `${DEVICE_EXAMPLE.id}.17`,
      value: { OSVersion: '26.1' },
    },
    SecurityInfo: null,
    ProfileList: null,
    InstalledApplicationList: null,
  },
}

export function deviceJson(device: FoundDevice): z.input<typeof deviceSchema> {
  return {
    id: device.id,
    type: ENROLLMENT_TYPES.find((type) => type === device.type) ?? 'Device',
    state: enrollmentState.options.find((state) => state === device.state) ?? 'unknown',
    platform: platformOf(device.productName || device.model) ?? null,
    serial_number: textOrNull(device.serialNumber),
    serial_number_proven: device.serialProven,
    serial_number_contested: device.isContested,
    device_name: textOrNull(device.deviceName),
    model: textOrNull(device.model),
    model_name: textOrNull(device.modelName),
    product_name: textOrNull(device.productName),
    os_version: textOrNull(device.osVersion),
    build_version: textOrNull(device.buildVersion),
    last_seen_at: atOrNull(device.lastSeen),
    push_state: pushState.options.find((state) => state === device.push) ?? 'none',
    contested: device.contested,
    ...standingJson(device),
  }
}

/** `expected`: users under whose bare UserID commands wait. */
export function deviceDetailJson(
  device: DevicePage,
  expected: readonly string[],
  listing: DeviceListing,
  inAbm: DepDeviceRow | undefined,
): z.input<typeof deviceDetailSchema> {
  const { facts } = device
  return {
    id: device.id,
    type: device.type,
    state: device.state,
    platform: platformOf(facts.ProductName || facts.Model) ?? null,
    serial_number: textOrNull(facts.SerialNumber),
    serial_number_proven: listing.serialProven,
    serial_number_contested: listing.serialContested,
    device_name: textOrNull(facts.DeviceName),
    model: textOrNull(facts.Model),
    model_name: textOrNull(facts.ModelName),
    product_name: textOrNull(facts.ProductName),
    os_version: textOrNull(facts.OSVersion),
    build_version: textOrNull(facts.BuildVersion),
    last_seen_at: atOrNull(Math.max(device.lastSeen, listing.lastSeen)),
    push_state: device.channels[0]?.push.state ?? 'none',
    contested: device.unproven ?? device.contest !== undefined,
    imei: textOrNull(facts.IMEI),
    meid: textOrNull(facts.MEID),
    apple_business: inAbm ? depDeviceJson(inAbm) : null,
    ...standingJson(listing.standing),
    blocked: device.blocked,
    deleted: device.hidden,
    contest: contestJson(device.contest),
    channels: device.channels.map((one) => ({
      id: enrollmentId(device.id, one.user),
      user: textOrNull(one.user),
      enabled: one.enabled,
      token_at: atOrNull(one.tokenAt),
      awaiting_configuration: one.awaitingConfiguration,
      waiting_under_user_id: expected.includes(one.user),
      push_state: one.push.state,
      push_reason: textOrNull(one.push.reason),
      pushed: pushJson(one.push.last),
      queue: {
        waiting: one.queue.waiting,
        by_state: { ...one.queue.byState },
        oldest_queued_at: atOrNull(one.queue.oldestQueuedAt),
        not_now_since: atOrNull(one.queue.notNowSince),
        next_push_at: atOrNull(one.queue.nextPushAt ?? 0),
      },
    })),
    identities: device.identities.map((one) => identityJson(device.id, one)),
    inventory: inventoryJson(device.inventory),
  }
}
