import type { Context } from '../store/context.ts'
import { listAnew } from './directory-row.ts'
import { claimsSerial } from './serial-claim.ts'
import { saveDevice } from '../store/rows/save.ts'

/**
 * The result of an admin's decision on a serial number. `other`: the device reports another one. `gone`: the
 * device claims none. `contested`: an admin first has to decide which enrolment is the device.
 */
export type SerialWord =
  | { readonly kind: 'taken' | 'unknown' | 'gone' | 'contested' }
  | { readonly kind: 'other'; readonly serial: string }

/**
 * An admin decides, for the present enrolment, whether the serial number that the device reports is its own.
 */
export function proveSerial(context: Context, serial: string, proven: boolean): SerialWord {
  const { device, identities } = context.state
  if (device.state === 'unknown') {
    return { kind: 'unknown' }
  }
  if (device.contest && proven) {
    return { kind: 'contested' }
  }
  if (device.facts.SerialNumber !== serial) {
    return { kind: 'other', serial: device.facts.SerialNumber }
  }
  const present = identities.filter(({ epoch }) => epoch === device.epoch)
  if (!claimsSerial(device) || present.length === 0) {
    return { kind: 'gone' }
  }
  // An earlier identity may come back with a proof of its own.
  for (const identity of proven ? present : identities) {
    identity.provenSerial = proven ? serial : ''
    saveDevice(context)
  }
  listAnew(context)
  return { kind: 'taken' }
}
