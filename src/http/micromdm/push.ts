import { newApp } from '../app-env.ts'
import { RequestError } from '../request-error.ts'
import { atDevice } from '../at-device.ts'
import { goJson, type AdminContext } from './request.ts'

/** `/push` and `/v1/push` (docs/micromdm.md): the only `/v1` routes that wait for APNs. */
export const v1Push = newApp()

v1Push.get('/push/:id', (c) => pushDevice(c, c.req.param('id')))
v1Push.post('/v1/push/:id', (c) => pushDevice(c, c.req.param('id')))

async function pushDevice(c: AdminContext, id: string): Promise<Response> {
  const text = c.req.query('expiration')
  const expiration = text ? Number(text) : undefined
  if (expiration !== undefined && !isTime(expiration)) {
    throw new RequestError(
      `parsing expiration time: "${text}" is not a number of seconds since 1970`,
    )
  }
  const answer = await atDevice(c.env, id, (device, address) => device.push(address, expiration))
  if (answer.kind === 'failed') {
    throw new RequestError(answer.error)
  }
  return goJson({ status: 'success', push_notification_id: answer.id })
}

/** Seconds since 1970. APNs would refuse milliseconds, and count that against the certificate. */
function isTime(expiration: number): boolean {
  return Number.isInteger(expiration) && expiration >= 0 && expiration < 2 ** 32
}
