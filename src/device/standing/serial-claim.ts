import type { Context } from '../store/context.ts'
import { established } from '../store/earlier.ts'
import type { DeviceRow, DeviceState } from '../store/state.ts'

/** Whether a device has a part in who has its serial number: one that left or was deleted has not. */
export function claimsSerial({ state, hidden, facts }: DeviceRow): boolean {
  return facts.SerialNumber !== '' && !hidden && state !== 'unknown' && state !== 'checked_out'
}

/**
 * Whether an identity of the present enrolment, or of one that is kept beside it, came with proof of the serial number that the
 * device tells.
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

/** The serial number that the directory lists: while an enrolment is contested, that of the one before it. */
export function listedSerial(context: Context): string {
  return established(context).facts.SerialNumber || context.state.device.facts.SerialNumber
}
