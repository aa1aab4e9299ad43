import { createRoute, z } from '@hono/zod-openapi'
import type { CommandRef } from '../../../device/queue/lookup.ts'
import type { Released } from '../../../device/queue/held.ts'
import type { Waiting } from '../../../device/queue/move.ts'
import type { DeviceStub } from '../../../device/object.ts'
import { claimsOf, expectNoDevice } from '../../../directory/devices/users.ts'
import type { Env } from '../../../env.ts'
import { enrollmentId, faultOfDeviceId, splitEnrollmentId } from '../../../mdm/enrollment.ts'
import { AdminError, atDevice, faultAt } from '../../at-device.ts'
import { commandIdParam, noCommand, refOf, unknown } from './id.ts'
import { commandOf } from './commands.ts'
import { commandDetailJson, commandJson } from './json.ts'
import { COMMAND_EXAMPLE, commandDetailSchema, commandSummary, DETAIL_EXAMPLE } from './schema.ts'
import { idText } from '../device-id.ts'
import { listOf, numberCursor, numberedPage, pageQuery, wholeList } from '../paging.ts'
import { answer, body, deviceId, refusal } from '../operation.ts'
import { newRoutes } from '../routes.ts'

/** Commands that wait for a decision: whether a device is the one that was meant, or which channel a bare UserID is. */
export const waitingRoutes = newRoutes()

const tags = ['Commands']
const PENDING = ['held', 'queued', 'sent', 'not_now', 'stalled']
const UNENROLLED = 'no device has enrolled with this id yet: release when the right one has'
const USER = '5A1F7C9E-0B3D-4E6F-8A2C-1D9B7E4F6A53'
const userChannel = z.object({ id: z.string(), device_id: z.string() }).openapi('UserChannel')
const unenrolled = refusal('no device has enrolled with this id yet')

waitingRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/commands/release',
    operationId: 'releaseCommands',
    tags,
    summary: 'Lets all held commands of an enrolment go out',
    description:
      'Secret and destructive commands that were queued before a device enrolled are held, because any device may enrol with an id that is not taken. Release when you know that it was the right device that enrolled: its serial number is its own word.',
    request: { params: z.object({ id: deviceId }) },
    responses: {
      200: answer('how many', z.object({ released: z.int() }), { released: 2 }),
      404: refusal('nothing waits for this enrolment'),
      409: unenrolled,
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const done = await release(c.env, id)
    if (done.kind === 'unknown') {
      throw new AdminError(`nothing is known of an enrolment with the id ${id}`, 'device_not_found')
    }
    return c.json({ released: done.released }, 200)
  },
)

waitingRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/commands/{id}/release',
    operationId: 'releaseCommand',
    tags,
    summary: 'Lets a held command go out',
    request: { params: z.object({ id: commandIdParam }) },
    responses: {
      200: answer('the command', commandDetailSchema, DETAIL_EXAMPLE),
      404: noCommand,
      409: unenrolled,
    },
  }),
  async (c) => {
    const ref = refOf(c.req.valid('param').id)
    const done = await release(c.env, ref.enrollment, ref)
    if (done.kind === 'unknown') {
      throw unknown(ref)
    }
    return c.json(commandDetailJson(await commandOf(c, ref)), 200)
  },
)

/** A device that enrolled with the id of a user is released as the device that it is. `undefined` if there is none. */
async function releaseDevice(
  env: Env,
  id: string,
  ref?: CommandRef,
): Promise<Released | undefined> {
  if (splitEnrollmentId(id).user !== '' || faultOfDeviceId(id) !== undefined) {
    return undefined
  }
  const done = await env.DEVICE.getByName(id).releaseHeld(AS_DEVICE, ref)
  return done.kind === 'released' ? done : undefined
}

/** @throws AdminError while there is no device to look at */
async function release(
  env: Env,
  id: string,
  ref?: CommandRef,
): Promise<Exclude<Released, { kind: 'unenrolled' }>> {
  const done =
    (await releaseDevice(env, id, ref)) ??
    (await atDevice(env, id, (device, address) => device.releaseHeld(address, ref)))
  if (done.kind === 'unenrolled') {
    throw new AdminError(UNENROLLED, 'not_enrolled')
  }
  return done
}

/** What is queued under an id as a device's, whatever user channel has that UserID. */
const AS_DEVICE = { user: '', bare: false }

waitingRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/devices/{id}/commands/waiting',
    operationId: 'listWaiting',
    tags,
    summary: 'Lists the commands that wait for a device to enrol with an id',
    description:
      'A user channel whose UserID this is does not get it: another device may call its user like that. `listUserChannels` names the channels.',
    request: { params: z.object({ id: deviceId }), query: z.strictObject(pageQuery) },
    responses: {
      200: listOf('a page of commands, newest first', commandSummary, COMMAND_EXAMPLE),
      404: refusal('nothing waits under this id, and no user has it'),
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { cursor, limit } = c.req.valid('query')
    const page = await deviceOf(c.env, id).listCommands(AS_DEVICE, {
      before: numberCursor(cursor, 'command'),
      limit,
      states: PENDING,
      requestType: undefined,
    })
    if (page.kind === 'list') {
      return c.json(numberedPage('command', page.commands.map(commandJson), page.next), 200)
    }
    await channelsOf(c.env, id)
    return c.json(wholeList([]), 200)
  },
)

waitingRoutes.openapi(
  createRoute({
    method: 'get',
    path: '/users/{id}/channels',
    operationId: 'listUserChannels',
    tags: ['Devices'],
    summary: 'Lists the user channels that have a UserID, in no order',
    request: { params: z.object({ id: deviceId }) },
    responses: {
      200: listOf('the channels', userChannel, {
        id: `E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01:${USER}`,
        device_id: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
      }),
      404: refusal('no user channel has this UserID'),
    },
  }),
  async (c) => c.json(wholeList(await channelsOf(c.env, c.req.valid('param').id)), 200),
)

/** @throws AdminError 404 for a UserID that no channel has */
async function channelsOf(env: Env, user: string): Promise<z.input<typeof userChannel>[]> {
  const { claims } = await claimsOf(env.DB, user)
  if (claims.length === 0) {
    throw new AdminError(
      `no user channel has the UserID ${user}, and nothing waits under it`,
      'user_not_found',
    )
  }
  return claims.map(({ device, id }) => ({ id: enrollmentId(device, id), device_id: device }))
}

waitingRoutes.openapi(
  createRoute({
    method: 'delete',
    path: '/devices/{id}/commands/waiting',
    operationId: 'clearWaiting',
    tags,
    summary: 'Cancels the commands that wait for a device to enrol with an id',
    request: { params: z.object({ id: deviceId }) },
    responses: {
      200: answer('how many', z.object({ cancelled: z.int() }), { cancelled: 3 }),
      404: refusal('nothing waits under this id'),
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const done = await deviceOf(c.env, id).clearQueue(AS_DEVICE)
    await expectNoDevice(c.env.DB, id)
    if (done.kind !== 'cleared') {
      throw new AdminError(`nothing waits under ${id}`, 'device_not_found')
    }
    return c.json({ cancelled: done.cancelled }, 200)
  },
)

waitingRoutes.openapi(
  createRoute({
    method: 'post',
    path: '/devices/{id}/commands/move',
    operationId: 'moveCommands',
    tags,
    summary: 'Moves commands that wait under a bare UserID to a user channel',
    description:
      'What was queued under an id before any channel had it waits for a device to enrol with that id. If a user was meant, this names the channel.',
    request: {
      params: z.object({ id: deviceId.openapi({ example: USER }) }),
      body: body(
        z.strictObject({
          to: idText.openapi({ description: 'the channel: `UDID:UserID`, with this UserID' }),
        }),
        {
          user: { to: `E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01:${USER}` },
        },
      ),
    },
    responses: {
      200: answer(
        'how many',
        z.object({
          moved: z.int(),
          left: z.int().openapi({ description: 'commands that only a device takes' }),
        }),
        { moved: 3, left: 0 },
      ),
      404: refusal('no such user channel'),
      409: refusal('the id is a device’s: what waits there waits for that device'),
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { to } = c.req.valid('json')
    const { device, user } = splitEnrollmentId(to)
    if (user !== id) {
      throw faultAt('json.to', `has to be a device’s id, a colon and ${id}`)
    }
    const done = await move(c.env, id, device)
    if (done.left === 0) {
      await expectNoDevice(c.env.DB, id)
    }
    return c.json(done, 200)
  },
)

/** @throws AdminError for what cannot be a device's id */
function deviceOf(env: Env, id: string): DeviceStub {
  const fault = faultOfDeviceId(id)
  if (fault !== undefined) {
    throw new AdminError(`nothing waits here: ${fault}`, 'invalid_id')
  }
  return env.DEVICE.getByName(id)
}

/** Every step may be repeated: what was taken over already is known by where it came from. @throws AdminError */
async function move(
  env: Env,
  id: string,
  device: string,
): Promise<{ moved: number; left: number }> {
  const from = deviceOf(env, id)
  const to = env.DEVICE.getByName(device)
  const done = { moved: 0, left: 0 }
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: Waiting | undefined = await from.waiting(after)
    if (page === undefined) {
      throw new AdminError(
        `${id} is the id of a device: what waits there waits for that device`,
        'already_enrolled',
      )
    }
    if (!(await to.takeOver(id, id, page.commands))) {
      throw new AdminError(`there is no user channel ${enrollmentId(device, id)}`, 'user_not_found')
    }
    await from.takenOver(page.commands.map(({ n }) => n))
    done.moved += page.commands.length
    done.left += page.others
    after = page.next
  }
  return done
}
