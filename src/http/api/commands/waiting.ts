import { z } from '../zod.ts'
import type { DeviceStub } from '../../../device/stub.ts'
import type { WaitingPage } from '../../../device/queue/move.ts'
import { claimsOf, expectNoDevice } from '../../../directory/devices/users.ts'
import type { Env } from '../../../env.ts'
import { enrollmentId, faultOfDeviceId, splitEnrollmentId } from '../../../mdm/enrollment.ts'
import { PENDING_STATES } from '../../../mdm/queue.ts'
import { RequestError, faultAt } from '../../request-error.ts'
import { deviceId, idText } from '../device-id.ts'
import { answer, body, DEVICE_PARAMS, operation } from '../operation.ts'
import { listOf, numberCursor, numberedPage, pageQuery, wholeList } from '../paging.ts'
import { newRoutes } from '../new-routes.ts'
import { AS_DEVICE } from './held.ts'
import { commandJson } from './json.ts'
import { COMMAND_EXAMPLE, commandSummary } from './schema.ts'

/** Commands under a bare UserID wait for a device to enrol with that id, or for an admin to move them. */
export const waitingRoutes = newRoutes()

const tags = ['Commands']
const DEVICE = 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01'
const USER = '5A1F7C9E-0B3D-4E6F-8A2C-1D9B7E4F6A53'
const CHANNEL = `${DEVICE}:${USER}`
const userChannel = z.object({ id: z.string(), device_id: z.string() }).openapi('UserChannel')

waitingRoutes.openapi(
  operation('listWaiting', 'get', '/devices/{id}/commands/waiting', {
    tags,
    summary: 'Lists the commands that wait for a device to enrol with an id',
    description:
      'If the id is a UserID, its user channel does not get these commands: a user of another device may ' +
      'have the same UserID. `listUserChannels` names the channels.',
    params: DEVICE_PARAMS,
    query: pageQuery,
    answers: {
      200: listOf('a page of commands, newest first', commandSummary, COMMAND_EXAMPLE),
    },
    problems: { 404: 'no command waits under this id, and no user has it' },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { cursor, limit } = c.req.valid('query')
    const page = await deviceOf(c.env, id).listCommands(AS_DEVICE, {
      before: numberCursor(cursor, 'command'),
      limit,
      states: PENDING_STATES,
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
  operation('listUserChannels', 'get', '/users/{id}/channels', {
    tags: ['Devices'],
    summary: 'Lists the user channels that have a UserID, in no order',
    params: DEVICE_PARAMS,
    answers: { 200: listOf('the channels', userChannel, { id: CHANNEL, device_id: DEVICE }) },
    problems: { 404: 'no user channel has this UserID' },
  }),
  async (c) => c.json(wholeList(await channelsOf(c.env, c.req.valid('param').id)), 200),
)

/** @throws RequestError 404 for a UserID that no channel has */
async function channelsOf(env: Env, user: string): Promise<z.input<typeof userChannel>[]> {
  const { claims } = await claimsOf(env.DB, user)
  if (claims.length === 0) {
    throw new RequestError(
      `no user channel has the UserID ${user}, and no command waits under it`,
      'user_not_found',
    )
  }
  return claims.map(({ device, id }) => ({ id: enrollmentId(device, id), device_id: device }))
}

waitingRoutes.openapi(
  operation('clearWaiting', 'delete', '/devices/{id}/commands/waiting', {
    tags,
    summary: 'Cancels the commands that wait for a device to enrol with an id',
    params: DEVICE_PARAMS,
    answers: { 200: answer('how many', z.object({ cancelled: z.int() }), { cancelled: 3 }) },
    problems: { 404: 'no command waits under this id' },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const done = await deviceOf(c.env, id).clearQueue(AS_DEVICE)
    await expectNoDevice(c.env.DB, id)
    if (done.kind !== 'cleared') {
      throw new RequestError(`no command waits under ${id}`, 'device_not_found')
    }
    return c.json({ cancelled: done.cancelled }, 200)
  },
)

const target = z.strictObject({
  to: idText.openapi({ description: 'the channel: `UDID:UserID`, with this UserID' }),
})
const moved = z.object({
  moved: z.int(),
  left: z.int().openapi({ description: 'commands that only a device can carry out' }),
})

waitingRoutes.openapi(
  operation('moveCommands', 'post', '/devices/{id}/commands/move', {
    tags,
    summary: 'Moves commands that wait under a bare UserID to a user channel',
    description:
      'Commands that were queued under an id before any channel had it wait for a device to enrol with ' +
      'that id. If they are for a user, move them to the user’s channel.',
    params: { id: deviceId.openapi({ example: USER }) },
    body: body(target, { user: { to: CHANNEL } }),
    answers: { 200: answer('how many', moved, { moved: 3, left: 0 }) },
    problems: {
      404: 'no such user channel',
      409: 'the id is a device’s: its commands wait for that device',
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

/** @throws RequestError for an id that no device can have */
function deviceOf(env: Env, id: string): DeviceStub {
  const fault = faultOfDeviceId(id)
  if (fault !== undefined) {
    throw new RequestError(`no command waits here: ${fault}`, 'invalid_id')
  }
  return env.DEVICE.getByName(id)
}

/** Each step may be repeated: the channel knows the commands that it has taken over. @throws RequestError */
async function move(
  env: Env,
  id: string,
  device: string,
): Promise<{ moved: number; left: number }> {
  const from = deviceOf(env, id)
  const to = env.DEVICE.getByName(device)
  const done = { moved: 0, left: 0 }
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: WaitingPage | undefined = await from.waiting(after)
    if (page === undefined) {
      throw new RequestError(
        `${id} is the id of a device: its commands wait for that device`,
        'already_enrolled',
      )
    }
    if (!(await to.takeOver(id, id, page.commands))) {
      throw new RequestError(
        `there is no user channel ${enrollmentId(device, id)}`,
        'user_not_found',
      )
    }
    await from.takenOver(page.commands.map(({ n }) => n))
    done.moved += page.commands.length
    done.left += page.others
    after = page.next
  }
  return done
}
