import { stringField } from '../../../commands/go-fields.ts'
import type { JsonObject } from '../../../commands/go-json.ts'
import { newApp } from '../../app-env.ts'
import { askApple, depAccountOfQuery } from '../../dep/account.ts'
import { depError } from '../../dep/refusal.ts'
import { goJson, readObject } from '../request.ts'
import { readSerials } from './serials.ts'
import { goAccount, goDepDevices } from './shapes.ts'

/** `/v1/dep/account`, `/v1/dep/devices` and `/v1/dep/assign` (docs/micromdm.md). */
export const v1DepDevices = newApp()

/** As many serial numbers as Apple takes in one call. */
const SERIALS_IN_CALL = 1000

v1DepDevices.get('/v1/dep/account', async (c) => {
  const account = await depAccountOfQuery(c)
  const call = { method: 'GET', path: '/account' } as const
  return goJson(goAccount(await askApple(account, 'account request', call)))
})

v1DepDevices.post('/v1/dep/devices', async (c) => {
  const what = 'get device details'
  const serials = readSerials(await readObject(c), 'deviceDetailsRequest', what)
  const account = await depAccountOfQuery(c)
  const devices = new Map<string, JsonObject>()
  for (let at = 0; at < serials.length; at += SERIALS_IN_CALL) {
    const part = serials.slice(at, at + SERIALS_IN_CALL)
    const call = { method: 'POST', path: '/devices', body: { devices: part } } as const
    const answer = await askApple(account, what, call)
    goDepDevices(answer).forEach(([serial, device]) => devices.set(serial, device))
  }
  return goJson({ devices })
})

v1DepDevices.post('/v1/dep/assign', async (c) => {
  const body = await readObject(c)
  const uuid = stringField(body, 'id', 'assignProfileRequest') ?? ''
  const what = 'assign profile'
  const serials = readSerials(body, 'assignProfileRequest', what)
  const { object } = await depAccountOfQuery(c)
  const assigned = await object.assign(uuid, serials)
  if (assigned.kind === 'refused') {
    throw depError(what, assigned.answer)
  }
  return goJson({ profile_uuid: uuid, devices: new Map(Object.entries(assigned.devices)) })
})
