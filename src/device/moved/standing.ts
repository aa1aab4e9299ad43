/** What an enrolment here is to the record of its device, and how much it takes of the record. */
import type { MovedFrom } from '../../migration/moved.ts'
import type { Context } from '../store/context.ts'
import { newlyMoved } from '../store/rows/device.ts'
import { saveDevice } from '../store/rows/save.ts'

/**
 * `moved`: it began on the other server, and no device has called here: it takes all. `known`: the same, and
 * a device has called: it takes what is missing. `adopted`: it has called here, and nothing but that vouches
 * for its certificate: it takes no secret. `other`: it began here, or it has left: it takes nothing.
 */
export type RecordStanding = 'moved' | 'known' | 'adopted' | 'other'

export function standingHere({ state: { device, identities } }: Context): RecordStanding {
  const { state, moved, epoch } = device
  if (state === 'unknown' || moved?.called === false) {
    return 'moved'
  }
  if (state === 'checked_out') {
    return 'other'
  }
  if (moved?.epoch === epoch) {
    return 'known'
  }
  const present = identities.filter((one) => one.epoch === epoch)
  return present.length > 0 && present.every(({ proof }) => proof === 'adopted')
    ? 'adopted'
    : 'other'
}

/** The fingerprints of the present enrolment. */
export function presentCertificates({ state: { device, identities } }: Context): string[] {
  return identities
    .filter(({ epoch }) => epoch === device.epoch)
    .map(({ fingerprint }) => fingerprint)
}

/**
 * The standing after the bindings of the record were taken. A binding that vouches for an adopted certificate
 * makes the enrolment known. If it froze all `callers`, another device has called, and not this one.
 */
export function standingAfter(
  context: Context,
  before: RecordStanding,
  callers: readonly string[],
  source: MovedFrom,
): RecordStanding {
  const { device, identities } = context.state
  const isVouched = identities.some(
    ({ epoch, proof }) => epoch === device.epoch && proof === 'moved',
  )
  if (!isVouched || before === 'moved' || before === 'other') {
    return before
  }
  const present = presentCertificates(context)
  const isAnothers = callers.length > 0 && !present.some((one) => callers.includes(one))
  if (before === 'known' && !isAnothers) {
    return before
  }
  const { epoch } = device
  const vouched = { epoch, called: !isAnothers, unproven: false }
  device.moved = { ...newlyMoved(context, source), ...device.moved, ...vouched }
  saveDevice(context)
  return isAnothers ? 'moved' : 'known'
}
