import { z } from '../zod.ts'
import { isObject } from '../../../apple/declarations.ts'
import { readOutcomes, serialCalls } from '../../../dep/assignments.ts'
import { warn } from '../../../log.ts'
import type { AppContext } from '../../app-env.ts'
import { askApple, depAccountOf } from '../../dep/account.ts'
import { ACTOR, queuedBy } from '../../queue/queued-by.ts'
import { RequestError } from '../../request-error.ts'
import { newRoutes } from '../new-routes.ts'
import { actor, answer, body, operation } from '../operation.ts'
import { serialNumber } from '../serial-number.ts'
import { depDeviceOf, NO_DEP_DEVICE } from './devices.ts'
import { outcomesAnswer, outcomesJson } from './outcomes.ts'
import { DEP_DEVICE_PARAMS, DEP_TAGS as tags, depAccountText, NO_DEP_ACCOUNT } from './schema.ts'

/** What cannot be undone at Apple, or locks a device: each call repeats in `confirm` what it means. */
export const depReleaseRoutes = newRoutes()

const MOST = 1000
const ONE = 'C02ADE000001'

const disowned = z.strictObject({
  ids: z
    .array(serialNumber)
    .min(1)
    .max(MOST)
    .openapi({ description: `up to ${MOST} serial numbers` }),
  account: depAccountText,
  confirm: z
    .strictObject({
      action: z.enum(['disown']).openapi({ description: 'always `disown`' }),
      count: z.int().openapi({ description: 'the number of serial numbers' }),
    })
    .optional()
    .openapi({ description: 'required' }),
})

depReleaseRoutes.openapi(
  operation('disownDepDevices', 'post', '/dep/devices/disown', {
    tags,
    summary: 'Releases devices from the organisation for good, and shows Apple’s answer for each',
    description:
      'Apple takes a released device back from the reseller or by Apple Configurator alone. It works only ' +
      'where the server entry allows it. The log has `dep:disowned`.',
    headers: { [ACTOR]: actor },
    body: body(disowned, { one: { ids: [ONE], confirm: { action: 'disown', count: 1 } } }),
    answers: { 200: outcomesAnswer },
    problems: { ...NO_DEP_ACCOUNT, 409: 'Apple refuses it, or `confirm` does not match' },
  }),
  async (c) => {
    const { ids, account: id, confirm } = c.req.valid('json')
    const distinct = [...new Set(ids)]
    requireConfirmed(
      confirm,
      { action: 'disown', count: distinct.length },
      'releases them for good',
    )
    const account = await depAccountOf(c.env, id)
    const outcomes = new Map<string, string>()
    for (const { call, serials } of serialCalls('disown', distinct)) {
      const json = await askApple(account, 'disown devices', call)
      for (const [serial, outcome] of readOutcomes(json, serials).outcomes) {
        outcomes.set(serial, outcome)
        const by = byWhom(c)
        const what = { account: account.row.id, serial, outcome: outcome.toLowerCase(), by }
        warn('dep:disowned', what)
      }
    }
    return c.json({ outcomes: outcomesJson(Object.fromEntries(outcomes)) }, 200)
  },
)

const locked = z.strictObject({
  escrow_key: z.string().max(200).optional().openapi({
    description: 'the hash of a bypass code; the code unlocks the device',
  }),
  lost_message: z.string().max(1000).optional().openapi({ description: 'the device shows it' }),
  confirm: z
    .strictObject({
      action: z.enum(['activation-lock']).openapi({ description: 'always `activation-lock`' }),
      id: serialNumber.openapi({ description: 'the serial number again' }),
    })
    .optional()
    .openapi({ description: 'required' }),
})
const lockAnswer = z.object({
  id: z.string(),
  outcome: z.string().openapi({
    description:
      'Apple’s word in small letters: `success`, `not_accessible`, `org_not_supported`, ' +
      '`device_not_supported`, `device_already_locked` or `failed`',
  }),
})

depReleaseRoutes.openapi(
  operation('lockDepDevice', 'post', '/dep/devices/{id}/activation-lock', {
    tags,
    summary: 'Turns Activation Lock on for a device',
    description: 'The log has `dep:activation-lock`.',
    params: DEP_DEVICE_PARAMS,
    headers: { [ACTOR]: actor },
    body: body(locked, {
      lost: { lost_message: 'Call us', confirm: { action: 'activation-lock', id: ONE } },
    }),
    answers: {
      200: answer('Apple’s answer', lockAnswer, { id: ONE, outcome: 'success' }),
    },
    problems: { ...NO_DEP_DEVICE, 409: 'Apple refuses it, or `confirm` does not match' },
  }),
  async (c) => {
    const { id } = c.req.valid('param')
    const { confirm, ...wish } = c.req.valid('json')
    const row = await depDeviceOf(c.env.DB, id)
    requireConfirmed(confirm, { action: 'activation-lock', id }, 'locks the device')
    const account = await depAccountOf(c.env, row.account)
    const json = await askApple(account, 'activation lock', {
      method: 'POST',
      path: '/device/activationlock',
      body: { device: id, ...wish },
    })
    const said = isObject(json) ? json['response_status'] : undefined
    const outcome = typeof said === 'string' ? said.toLowerCase() : 'failed'
    warn('dep:activation-lock', { account: row.account, serial: id, outcome, by: byWhom(c) })
    return c.json({ id, outcome }, 200)
  },
)

/** @throws RequestError unless the request repeats what it does */
function requireConfirmed(given: object | undefined, due: object, what: string): void {
  if (JSON.stringify(given) !== JSON.stringify(due)) {
    throw new RequestError(
      `this ${what}: if that is meant, send "confirm": ${JSON.stringify(due)}`,
      'confirmation_required',
    )
  }
}

/** The name that the sender gives, or the id of its key. */
function byWhom(c: AppContext): string {
  const { actor: name, key } = queuedBy(c, 'api')
  return name ?? key ?? ''
}
