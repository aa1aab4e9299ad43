import { z } from '@hono/zod-openapi'
import type { DevicePage } from '../../device/views/device.ts'
import type { Env } from '../../env.ts'
import { faultOfId } from '../../mdm/enrollment.ts'
import { AdminError, atDevice } from '../at-device.ts'

/** An id in a path or query: no object is made for what cannot be one. */
export const idText = z.string().superRefine((id, context) => {
  const fault = faultOfId(id)
  if (fault !== undefined) {
    context.addIssue(fault)
  }
})

/** An answer of an enrolment that is there. @throws AdminError 404 */
export function there<Answer extends { readonly kind: string }>(
  id: string,
  found: Answer,
): Exclude<Answer, { kind: 'unknown' }> {
  if (!isKnown(found)) {
    throw new AdminError(`nothing is known of an enrolment with the id ${id}`, 'device_not_found')
  }
  return found
}

function isKnown<Answer extends { readonly kind: string }>(
  found: Answer,
): found is Exclude<Answer, { kind: 'unknown' }> {
  return found.kind !== 'unknown'
}

/** What a device knows of itself, by its own id or one of its channels'. @throws AdminError 404 for an unknown id */
export async function knownDevice(env: Env, id: string): Promise<DevicePage> {
  return there(id, await atDevice(env, id, (device, address) => device.viewDevice(address)))
}

/** The same for an act on a whole device, which the id of a user does not mean. @throws AdminError */
export async function deviceItself(env: Env, id: string): Promise<DevicePage> {
  const device = await knownDevice(env, id)
  if (device.id !== id) {
    throw new AdminError(
      `${id} is a user of the device ${device.id}: name the device`,
      'invalid_id',
    )
  }
  return device
}
