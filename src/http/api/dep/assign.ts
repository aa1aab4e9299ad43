import { z } from '../zod.ts'
import { depAccountOf } from '../../dep/account.ts'
import { depError } from '../../dep/refusal.ts'
import { newRoutes } from '../new-routes.ts'
import { body, operation } from '../operation.ts'
import { serialNumber } from '../serial-number.ts'
import { outcomesAnswer, outcomesJson } from './outcomes.ts'
import { depProfileOf } from './profiles.ts'
import { APPLE_REFUSES, DEP_TAGS as tags, depAccountText, NO_DEP_ACCOUNT } from './schema.ts'

/** Profiles for devices that an admin names, instead of the rules. */
export const depAssignRoutes = newRoutes()

const MOST = 5000
const named = {
  ids: z
    .array(serialNumber)
    .min(1)
    .max(MOST)
    .openapi({ description: `up to ${MOST} serial numbers` }),
  account: depAccountText,
}
const IDS = ['C02ADE000001', 'C02ADE000002']

const wanted = z.strictObject({
  ...named,
  profile: z.string().min(1).openapi({ description: 'its name or uuid' }),
})

depAssignRoutes.openapi(
  operation('assignDepProfile', 'post', '/dep/devices/assign', {
    tags,
    summary: 'Assigns a profile to devices now, and shows Apple’s answer for each',
    description:
      'A device that has fetched its profile keeps it until it is erased. What Apple throttles or fails is ' +
      'tried again later: getDepDevice shows when.',
    body: body(wanted, { two: { ids: IDS, profile: 'macs' } }),
    answers: { 200: outcomesAnswer },
    problems: { 404: 'the account has no such profile', ...APPLE_REFUSES },
  }),
  async (c) => {
    const { ids, account, profile } = c.req.valid('json')
    const { row, object } = await depAccountOf(c.env, account)
    const { uuid } = await depProfileOf(c.env.DB, row.id, profile)
    const assigned = await object.assign(uuid, ids)
    if (assigned.kind === 'refused') {
      throw depError('assign profile', assigned.answer)
    }
    return c.json({ outcomes: outcomesJson(assigned.devices) }, 200)
  },
)

depAssignRoutes.openapi(
  operation('unassignDepProfile', 'post', '/dep/devices/unassign', {
    tags,
    summary: 'Takes the profile of devices away, and shows Apple’s answer for each',
    description:
      'A device without a profile sets up without management. A rule may give it one again at the next ' +
      'change of the device.',
    body: body(z.strictObject(named), { two: { ids: IDS } }),
    answers: { 200: outcomesAnswer },
    problems: { ...NO_DEP_ACCOUNT, ...APPLE_REFUSES },
  }),
  async (c) => {
    const { ids, account } = c.req.valid('json')
    const { object } = await depAccountOf(c.env, account)
    const removed = await object.unassign(ids)
    if (removed.kind === 'refused') {
      throw depError('remove profile', removed.answer)
    }
    return c.json({ outcomes: outcomesJson(removed.devices) }, 200)
  },
)
