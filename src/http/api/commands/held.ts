import { z } from '../zod.ts'
import type { Released } from '../../../device/queue/held.ts'
import type { CommandRef } from '../../../device/queue/lookup.ts'
import type { Env } from '../../../env.ts'
import { faultOfDeviceId, splitEnrollmentId } from '../../../mdm/enrollment.ts'
import { RequestError } from '../../request-error.ts'
import { atDevice } from '../../at-device.ts'
import { unknownEnrollment } from '../device-id.ts'
import { answer, DEVICE_PARAMS, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { findCommand } from './commands.ts'
import { COMMAND_PARAMS, NO_COMMAND, refOf, unknownCommand } from './id.ts'
import { commandDetailJson } from './json.ts'
import { commandDetailSchema, DETAIL_EXAMPLE } from './schema.ts'

/** The release of held commands. */
export const heldRoutes = newRoutes()

const tags = ['Commands']
const UNENROLLED = { 409: 'no device has enrolled with this id yet' }

const released = z.object({
  released: z.int(),
  held: z.int().openapi({ description: 'how many still wait for a release' }),
})

heldRoutes.openapi(
  operation('releaseCommands', 'post', '/devices/{id}/commands/release', {
    tags,
    summary: 'Releases all held commands of an enrolment',
    description:
      'Secret and destructive commands that were queued before a device enrolled are held, because any ' +
      'device can enrol with an id that is not taken. Release them when you know that the right device ' +
      'enrolled: a device can report a false serial number.',
    params: DEVICE_PARAMS,
    answers: { 200: answer('how many', released, { released: 2, held: 0 }) },
    problems: { 404: 'no command waits for this enrolment', ...UNENROLLED },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const done = await release(c.env, id)
    if (done.kind === 'unknown') {
      throw unknownEnrollment(id)
    }
    return c.json({ released: done.released, held: done.held ?? 0 }, 200)
  },
)

heldRoutes.openapi(
  operation('releaseCommand', 'post', '/commands/{id}/release', {
    tags,
    summary: 'Releases a held command',
    params: COMMAND_PARAMS,
    answers: { 200: answer('the command', commandDetailSchema, DETAIL_EXAMPLE) },
    problems: { ...NO_COMMAND, ...UNENROLLED },
  }),
  async (c) => {
    const ref = refOf(c.req.valid('param').id)
    const done = await release(c.env, ref.enrollment, ref)
    if (done.kind === 'unknown') {
      throw unknownCommand(ref)
    }
    return c.json(commandDetailJson(await findCommand(c.env, ref)), 200)
  },
)

/** Commands that were queued under an id as a device's, even if a user channel has that UserID. */
export const AS_DEVICE = { user: '', bare: false }

/** Releases the commands of a device that enrolled with a UserID. `undefined` if there is no such device. */
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

/** @throws RequestError as long as no device has enrolled */
async function release(
  env: Env,
  id: string,
  ref?: CommandRef,
): Promise<Exclude<Released, { kind: 'unenrolled' }>> {
  const done =
    (await releaseDevice(env, id, ref)) ??
    (await atDevice(env, id, (device, address) => device.releaseHeld(address, ref)))
  if (done.kind === 'unenrolled') {
    throw new RequestError(
      'no device has enrolled with this id yet: release when the right one has',
      'not_enrolled',
    )
  }
  return done
}
