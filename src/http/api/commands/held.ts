import { z } from '../zod.ts'
import type { DeviceStub } from '../../../device/stub.ts'
import type { Released } from '../../../device/queue/held.ts'
import type { Address, Elsewhere } from '../../../device/store/address.ts'
import type { Env } from '../../../env.ts'
import { faultOfDeviceId, splitEnrollmentId } from '../../../mdm/enrollment.ts'
import { RequestError } from '../../request-error.ts'
import { atDevice } from '../../at-device.ts'
import { unknownEnrollment } from '../device-id.ts'
import { answer, body, DEVICE_PARAMS, operation } from '../operation.ts'
import { newRoutes } from '../new-routes.ts'
import { findCommand } from './commands.ts'
import { COMMAND_PARAMS, NO_COMMAND, refOf, unknownCommand } from './id.ts'
import { commandDetailJson } from './json.ts'
import { IN_ORDER, isInOrder, releaseFilterOf, releaseWords } from './release-filter.ts'
import { commandDetailSchema, DETAIL_EXAMPLE } from './schema.ts'

/** The release of held commands. */
export const heldRoutes = newRoutes()

const tags = ['Commands']
const UNENROLLED = { 409: 'no device has enrolled with this id yet' }

const releaseRequest = z.strictObject(releaseWords).refine(isInOrder, IN_ORDER)
const released = z.object({
  released: z.int(),
  held: z.int().openapi({ description: 'how many still wait for a release' }),
})

heldRoutes.openapi(
  operation('releaseCommands', 'post', '/devices/{id}/commands/release', {
    tags,
    summary: 'Releases held commands of an enrolment: all, or those of a filter',
    description:
      'Secret and destructive commands that were queued before a device enrolled are held, because any ' +
      'device can enrol with an id that is not taken. Release them when you know that the right device ' +
      'enrolled: a device can report a false serial number. Destructive commands that are held for `moved` ' +
      'stay held: release each by its id.',
    params: DEVICE_PARAMS,
    body: {
      ...body(releaseRequest, {
        all: {},
        some: { request_types: ['InstallProfile'], queued_after: '2026-11-24T09:00:00Z' },
      }),
      required: false,
    },
    answers: { 200: answer('how many', released, { released: 2, held: 0 }) },
    problems: { 404: 'no command waits for this enrolment', ...UNENROLLED },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const words = c.req.valid('json')
    const isAll = Object.keys(words).length === 0
    const done = await release(c.env, id, (device, address) =>
      isAll ? device.releaseHeld(address) : device.releaseSome(address, releaseFilterOf(words)),
    )
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
    const done = await release(c.env, ref.enrollment, (device, address) =>
      device.releaseHeld(address, ref),
    )
    if (done.kind === 'unknown') {
      throw unknownCommand(ref)
    }
    return c.json(commandDetailJson(await findCommand(c.env, ref)), 200)
  },
)

/** Commands that were queued under an id as a device's, even if a user channel has that UserID. */
export const AS_DEVICE = { user: '', bare: false }

type Call = (device: DeviceStub, address: Address) => Promise<Released | Elsewhere>

/** Releases the commands of a device that enrolled with a UserID. `undefined` if there is no such device. */
async function releaseDevice(env: Env, id: string, call: Call): Promise<Released | undefined> {
  if (splitEnrollmentId(id).user !== '' || faultOfDeviceId(id) !== undefined) {
    return undefined
  }
  const done = await call(env.DEVICE.getByName(id), AS_DEVICE)
  return done.kind === 'released' ? done : undefined
}

/** @throws RequestError as long as no device has enrolled */
async function release(
  env: Env,
  id: string,
  call: Call,
): Promise<Exclude<Released, { kind: 'unenrolled' }>> {
  const done = (await releaseDevice(env, id, call)) ?? (await atDevice(env, id, call))
  if (done.kind === 'unenrolled') {
    throw new RequestError(
      'no device has enrolled with this id yet: release when the right one has',
      'not_enrolled',
    )
  }
  return done
}
