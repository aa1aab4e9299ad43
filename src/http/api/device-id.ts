import { z } from './zod.ts'
import type { DeviceStub } from '../../device/stub.ts'
import type { Address } from '../../device/store/address.ts'
import type { DevicePage } from '../../device/views/device.ts'
import type { Env } from '../../env.ts'
import { faultOfId } from '../../mdm/enrollment.ts'
import { RequestError } from '../request-error.ts'
import { atDevice } from '../at-device.ts'

/** An id in a path or query. An id that no enrolment can have creates no object. */
export const idText = z.string().superRefine((id, context) => {
  const fault = faultOfId(id)
  if (fault !== undefined) {
    context.addIssue(fault)
  }
})

/** The `id` of a device or user channel in a path. */
export const deviceId = idText.openapi({
  param: { name: 'id', in: 'path' },
  description: 'UDID, EnrollmentID, UDID:UserID, or the bare UserID of a user channel',
  example: 'E0B7A5F2-6C1D-4C57-9F0B-3C5C5D7A9E01',
})

/** Calls the object of an enrolment that must exist. @throws RequestError 404 for an unknown id */
export async function atEnrollment<Answer extends { readonly kind: string }>(
  env: Env,
  id: string,
  call: (device: DeviceStub, address: Address) => Promise<Answer>,
) {
  const found = await atDevice(env, id, call)
  if (!isKnown(found)) {
    throw unknownEnrollment(id)
  }
  return found
}

export function unknownEnrollment(id: string): RequestError {
  return new RequestError(
    `no enrolment has the id ${id}: GET /api/devices lists them`,
    'device_not_found',
  )
}

function isKnown<Answer extends { readonly kind: string }>(
  found: Answer,
): found is Exclude<Answer, { kind: 'unknown' }> {
  return found.kind !== 'unknown'
}

/** The view of a device, by its id or that of one of its channels. @throws RequestError 404 if unknown */
export async function knownDevice(env: Env, id: string): Promise<DevicePage> {
  return atEnrollment(env, id, (device, address) => device.viewDevice(address))
}

/** The same for an action on a whole device: the id of a user channel is refused. @throws RequestError */
export async function deviceItself(env: Env, id: string): Promise<DevicePage> {
  return atDeviceItself(env, id, (device, address) => device.viewDevice(address))
}

/** Calls the object of a whole device. @throws RequestError for an unknown id, and for a user channel */
export async function atDeviceItself<Answer extends { readonly kind: string }>(
  env: Env,
  id: string,
  call: (device: DeviceStub, address: Address) => Promise<Answer>,
) {
  return atEnrollment(env, id, async (device, address) => {
    if (address.user === '') {
      return call(device, address)
    }
    const view = await device.viewDevice(address)
    if (view.kind === 'device') {
      throw new RequestError(
        `${id} is a user of the device ${view.id}: name the device`,
        'invalid_id',
      )
    }
    return view
  })
}
