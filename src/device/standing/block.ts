import { type Context, logHappening } from '../store/context.ts'
import { saveDevice } from '../store/rows/save.ts'
import { listAnew } from './directory-row.ts'
import { FROZEN_EPOCH, REVOKED_EPOCH } from '../store/rows/identity.ts'

/**
 * Blocks a device, enrolled or not: MicroMDM blocks unknown ids too. A repeated block lists it anew: the
 * list may not have a block of a release before `blocked` was listed.
 */
export function block(context: Context): void {
  const { device } = context.state
  const isNew = !device.blocked
  device.blocked = true
  saveStanding(context)
  if (isNew) {
    logHappening(context, 'device:blocked', '')
  }
}

/** @returns false when the device was not blocked. */
export function unblock(context: Context): boolean {
  const { device } = context.state
  if (!device.blocked) {
    return false
  }
  device.blocked = false
  saveStanding(context)
  logHappening(context, 'device:unblocked', '')
  return true
}

/** The directory lists the devices that are known. */
function saveStanding(context: Context): void {
  if (context.state.device.state === 'unknown') {
    saveDevice(context)
  } else {
    listAnew(context)
  }
}

/** Whether a device, or one certificate of it, may get nothing that leads to another identity. */
export function isBarred({ state }: Context, fingerprint: string): boolean {
  const { device, identities } = state
  return (
    device.blocked ||
    identities.some(
      ({ fingerprint: known, epoch }) =>
        known === fingerprint && (epoch === REVOKED_EPOCH || epoch === FROZEN_EPOCH),
    )
  )
}
