import { z } from '../../zod.ts'
import {
  changeMembers,
  joinSet,
  leaveSets,
  membersOfSet,
  setsOfEnrollment,
} from '../../../../directory/declarations/members.ts'
import type { Env } from '../../../../env.ts'
import { enrollmentId } from '../../../../mdm/enrollment.ts'
import { atEnrollment, idText } from '../../device-id.ts'
import { newRoutes } from '../../new-routes.ts'
import { answer, body, DEVICE_PARAMS, NO_DEVICE, operation } from '../../operation.ts'
import { listOf, pageOfRows, pageQuery, readCursor, writeCursor } from '../../paging.ts'
import {
  ENROLLMENT_EXAMPLE_ID,
  NO_SET,
  requireSets,
  SET_EXAMPLE_ID,
  SET_PARAMS,
  setName,
} from '../schema.ts'
import { changeCatalog, writeQuery } from '../write.ts'

/** Which devices and users an admin put into which sets. */
export const setMemberRoutes = newRoutes()

const tags = ['Sets']
const MAX_A_CALL = 1000
const several = z.strictObject({
  ids: z
    .array(idText)
    .min(1)
    .max(MAX_A_CALL)
    .openapi({ description: 'UDID, EnrollmentID or UDID:UserID; also of devices to come' }),
})
const member = z
  .object({ id: z.string().openapi({ description: 'a device or a user channel' }) })
  .openapi('SetMember')

setMemberRoutes.openapi(
  operation('listSetMembers', 'get', '/sets/{id}/members', {
    tags,
    summary: 'Lists the devices and users that were put into a set',
    description: 'Those of the rule are not listed.',
    params: SET_PARAMS,
    query: pageQuery,
    answers: { 200: listOf('a page of members', member, { id: ENROLLMENT_EXAMPLE_ID }) },
    problems: NO_SET,
  }),
  async (c) => {
    const { id: name } = c.req.valid('param')
    const { cursor, limit } = c.req.valid('query')
    const [after = ''] = readCursor(cursor, /^member (.+)$/s) ?? []
    await requireSets(c.env.DB, [name])
    const rows = await membersOfSet(c.env.DB, name, after, limit + 1)
    const page = pageOfRows({ rows, total: null }, limit, {
      item: ({ device, user }) => ({ id: enrollmentId(device, user) }),
      cursor: ({ device, user }) => writeCursor(`member ${enrollmentId(device, user)}`),
    })
    return c.json(page, 200)
  },
)

for (const [operationId, path, joins, summary] of [
  ['addSetMembers', '/sets/{id}/members', true, 'Puts devices and users into a set'],
  ['removeSetMembers', '/sets/{id}/members/remove', false, 'Takes devices and users out of a set'],
] as const) {
  setMemberRoutes.openapi(
    operation(operationId, 'post', path, {
      tags,
      summary: `${summary}, up to ${MAX_A_CALL}`,
      params: SET_PARAMS,
      query: writeQuery,
      body: body(several, { one: { ids: [ENROLLMENT_EXAMPLE_ID] } }),
      answers: {
        200: answer('how many that changed', z.object({ changed: z.int() }), { changed: 1 }),
      },
      problems: NO_SET,
    }),
    async (c) => {
      const { id: name } = c.req.valid('param')
      const { ids } = c.req.valid('json')
      await requireSets(c.env.DB, [name])
      const changed = await changeCatalog(c.env, c.req.valid('query'), (d1, when) =>
        changeMembers(d1, { set: name, ids, joins }, when),
      )
      return c.json({ changed }, 200)
    },
  )
}

const ownSets = answer(
  'its sets, without those of rules',
  z.object({ id: z.string(), sets: z.array(z.string()) }).openapi('EnrollmentSets'),
  { id: ENROLLMENT_EXAMPLE_ID, sets: [SET_EXAMPLE_ID] },
)

setMemberRoutes.openapi(
  operation('getDeviceSets', 'get', '/devices/{id}/sets', {
    tags,
    summary: 'The sets that a device or a user was put into',
    params: DEVICE_PARAMS,
    answers: { 200: ownSets },
    problems: NO_DEVICE,
  }),
  async (c) =>
    c.json(await setsAt(c.env, await knownEnrollmentId(c.env, c.req.valid('param').id)), 200),
)

const bothParams = {
  ...DEVICE_PARAMS,
  set_id: setName.openapi({
    param: { name: 'set_id', in: 'path' },
    description: 'the name of the set',
    example: SET_EXAMPLE_ID,
  }),
}

for (const [operationId, method, write, summary] of [
  ['addDeviceToSet', 'put', joinSet, 'Puts a device or a user into a set'],
  ['removeDeviceFromSet', 'delete', leaveSets, 'Takes a device or a user out of a set'],
] as const) {
  setMemberRoutes.openapi(
    operation(operationId, method, '/devices/{id}/sets/{set_id}', {
      tags,
      summary,
      params: bothParams,
      query: writeQuery,
      answers: { 200: ownSets },
      problems: { 404: 'no such device or user channel, or no such set' },
    }),
    async (c) => {
      const { id, set_id: name } = c.req.valid('param')
      const channel = await knownEnrollmentId(c.env, id)
      await requireSets(c.env.DB, [name])
      await changeCatalog(c.env, c.req.valid('query'), (d1, when) => write(d1, channel, name, when))
      return c.json(await setsAt(c.env, channel), 200)
    },
  )
}

async function setsAt(env: Env, id: string) {
  return { id, sets: await setsOfEnrollment(env.DB, id) }
}

/** The full id of a channel that exists: a bare UserID gets its device. @throws RequestError */
export async function knownEnrollmentId(env: Env, named: string): Promise<string> {
  const { id } = await atEnrollment(env, named, async (device, address) => {
    const view = await device.viewDevice(address)
    return view.kind === 'device'
      ? { kind: 'channel' as const, id: enrollmentId(view.id, address.user) }
      : view
  })
  return id
}
