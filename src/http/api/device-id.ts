import { z } from '@hono/zod-openapi'
import type { DevicePage } from '../../device/page.ts'
import { problemOfId } from '../../device/reach.ts'
import type { Env } from '../../env.ts'
import { splitEnrollmentId } from '../../mdm/enrollment.ts'
import { AdminError, atDevice } from '../at-device.ts'

/** Why an id that a client wrote cannot be one of an enrolment; `undefined` when it may lead somewhere. */
export function faultOfId(id: string): string | undefined {
  if (id.trim() === '') {
    return 'not an enrolment id: it is empty'
  }
  const { device, user } = splitEnrollmentId(id)
  if ([device, user].some((part) => part !== part.trim())) {
    return 'not an enrolment id: there is white space at an end'
  }
  if (user === '' && device !== id) {
    return 'not an enrolment id: no UserID follows the colon'
  }
  return problemOfId(id)
}

/** An id in a path or query: no object is made for what cannot be one. */
export const idText = z.string().superRefine((id, context) => {
  const fault = faultOfId(id)
  if (fault !== undefined) {
    context.addIssue(fault)
  }
})

/** What a device knows of itself, by its own id or one of its channels'. @throws AdminError 404 for one that nobody knows */
export async function knownDevice(env: Env, id: string): Promise<DevicePage> {
  const found = await atDevice(env, id, (device, user) => device.viewDevice(user))
  if (found.kind === 'unknown') {
    throw new AdminError(`nothing is known of a device with the id ${id}`, 404)
  }
  return found
}
