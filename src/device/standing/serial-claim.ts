/** Claims to serial numbers. A device reports any number it likes, so a number needs a proof. */
import type { Context } from '../store/context.ts'
import type { DeviceRow } from '../store/rows/device.ts'
import { established } from '../store/earlier.ts'
import type { DeviceState } from '../store/state.ts'

/** Whether a device claims its serial number: not after it left or was deleted. */
export function claimsSerial({ state, hidden, facts }: DeviceRow): boolean {
  return facts.SerialNumber !== '' && !hidden && state !== 'unknown' && state !== 'checked_out'
}

/**
 * Whether an identity of the present enrolment, or of one that is kept beside it, has proven the serial
 * number that the device reports.
 */
export function isSerialProven(
  { device, identities }: DeviceState,
  serial = device.facts.SerialNumber,
): boolean {
  const epochs = new Set([device.epoch, ...(device.contest?.earlier ?? [])])
  return (
    serial !== '' &&
    identities.some((known) => epochs.has(known.epoch) && known.provenSerial === serial)
  )
}

/**
 * The same by an identity of the present enrolment alone. One that is kept beside it is another device’s, and
 * any device may report the serial number of that one.
 */
export function provesOwnSerial({ device, identities }: DeviceState): boolean {
  const { epoch, facts } = device
  return (
    facts.SerialNumber !== '' &&
    identities.some((known) => known.epoch === epoch && known.provenSerial === facts.SerialNumber)
  )
}

/** The serial number that the directory lists: during a contest, that of the enrolment before. */
export function listedSerial(context: Context): string {
  return established(context).facts.SerialNumber || context.state.device.facts.SerialNumber
}
