import { z } from '../zod.ts'
import type { Context } from 'hono'
import { projectDevices } from '../../../directory/devices/project.ts'
import type { DeviceStub } from '../../../device/stub.ts'
import type { DevicePage } from '../../../device/views/device.ts'
import { findDepDevice } from '../../../directory/dep/search.ts'
import { listingOf } from '../../../directory/devices/serials.ts'
import { expectedDevices } from '../../../directory/devices/users.ts'
import type { AppEnv } from '../../app-env.ts'
import { attempt } from '../../../log.ts'
import { RequestError } from '../../request-error.ts'
import { atDevice } from '../../at-device.ts'
import { deviceItself, knownDevice } from '../device-id.ts'
import { DEVICE_DETAIL_EXAMPLE, deviceDetailJson, deviceDetailSchema } from './json.ts'
import { answer, DEVICE_PARAMS, NO_DEVICE, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'

/** One device, and the actions of an admin on it. */
export const deviceRoutes = newRoutes()

const tags = ['Devices']

/** The device after an operation. */
export const deviceAnswer = answer('the device', deviceDetailSchema, DEVICE_DETAIL_EXAMPLE)

export async function showDevice(c: Context<AppEnv>, device: DevicePage) {
  const users = device.channels.map(({ user }) => user).filter(Boolean)
  const serial = device.facts.SerialNumber
  const [expected, listing, inAbm] = await Promise.all([
    users.length === 0 ? [] : expectedDevices(c.env.DB, users),
    listingOf(c.env.DB, device.id),
    serial === '' ? undefined : findDepDevice(c.env.DB, serial),
  ])
  if (listing.standing.blocked === 0 && device.blocked) {
    // A release without `blocked` in lists blocked it, and a blocked device may report nothing more.
    c.executionCtx.waitUntil(
      attempt('directory:device-unreachable', () => c.env.DEVICE.getByName(device.id).repair()),
    )
  }
  return c.json(deviceDetailJson(device, expected, listing, inAbm), 200)
}

deviceRoutes.openapi(
  operation('getDevice', 'get', '/devices/{id}', {
    tags,
    summary: 'A device: channels, certificates, push state, queue and latest inventory',
    params: DEVICE_PARAMS,
    answers: { 200: deviceAnswer },
    problems: NO_DEVICE,
  }),
  async (c) => showDevice(c, await knownDevice(c.env, c.req.valid('param').id)),
)

/** The actions on a whole device. Each may be repeated: it then changes nothing. */
const ACTIONS: readonly {
  readonly method: 'post' | 'delete'
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly act: (device: DeviceStub) => Promise<unknown>
}[] = [
  {
    method: 'post',
    path: '/devices/{id}/block',
    operationId: 'blockDevice',
    summary: 'Ends the management of a device: the server answers its next connect with 401',
    description:
      'A device that gets 401 removes its MDM profile. Its commands wait until it is unblocked and has ' +
      'enrolled again. `POST /v1/devices/{id}/block` also blocks an id that no device has yet.',
    act: async (device) => device.block(),
  },
  {
    method: 'post',
    path: '/devices/{id}/unblock',
    operationId: 'unblockDevice',
    summary: 'Unblocks a device: the server answers it again',
    description: 'A device that was not blocked stays as it is.',
    act: async (device) => device.unblock(),
  },
  {
    method: 'post',
    path: '/devices/{id}/retire',
    operationId: 'retireDevice',
    summary: 'Ends the pushes to a device that is gone, until it connects again',
    description: 'For example, to a device whose serial number another device has now.',
    act: async (device) => device.retire(),
  },
  {
    method: 'delete',
    path: '/devices/{id}',
    operationId: 'deleteDevice',
    summary: 'Removes the device from the lists until it enrols again',
    description:
      'Queue, tokens, certificates and a block stay, as in MicroMDM. A device that still has its profile ' +
      'stays managed. The device has `"deleted": true`.',
    act: async (device) => device.hide(),
  },
]

for (const { operationId, method, path, act, ...about } of ACTIONS) {
  deviceRoutes.openapi(
    operation(operationId, method, path, {
      tags,
      ...about,
      params: DEVICE_PARAMS,
      answers: { 200: deviceAnswer },
      problems: NO_DEVICE,
    }),
    async (c) => {
      const { id } = await deviceItself(c.env, c.req.valid('param').id)
      await act(c.env.DEVICE.getByName(id))
      await projectDevices(c.env, [id])
      return showDevice(c, await knownDevice(c.env, id))
    },
  )
}

const pushed = z
  .object({
    id: z.string().openapi({ description: 'the enrolment that was pushed' }),
    apns_id: z.string(),
  })
  .openapi('PushedEnrollment')

deviceRoutes.openapi(
  operation('pushDevice', 'post', '/devices/{id}/push', {
    tags,
    summary: 'Pushes the device or the user channel now, and shows the answer of APNs',
    description:
      'The server pushes commands by itself. Use this for a device that should connect now.',
    params: DEVICE_PARAMS,
    answers: {
      200: answer('APNs accepted the push', pushed, {
        id: DEVICE_DETAIL_EXAMPLE.id,
        apns_id: 'B1F6E3B4-7B6A-4F0D-9F3B-0D5C9C2A8E77',
      }),
    },
    problems: {
      ...NO_DEVICE,
      409: 'APNs refused the push, or the device cannot be pushed: `detail` has the reason',
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { state, blocked } = await knownDevice(c.env, id)
    if (state !== 'enrolled') {
      throw new RequestError(
        `${id} is ${state.replace('_', ' ')}: the server pushes enrolled devices ` +
          `only${blocked ? ', and an admin has blocked this one' : ''}`,
        'not_enrolled',
      )
    }
    const result = await atDevice(c.env, id, (device, address) => device.push(address))
    if (result.kind === 'failed') {
      throw new RequestError(result.error, 'push_failed')
    }
    return c.json({ id, apns_id: result.id }, 200)
  },
)
