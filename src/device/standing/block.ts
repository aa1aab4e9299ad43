import { type Context, logHappening } from '../store/context.ts'
import { saveDevice } from '../store/rows/save.ts'
import { FROZEN_EPOCH, REVOKED_EPOCH } from '../store/rows/identity.ts'

/** Blocks a device, enrolled or not: MicroMDM blocks unknown ids too. */
export function block(context: Context): void {
  const { device } = context.state
  if (!device.blocked) {
    device.blocked = true
    saveDevice(context)
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
  saveDevice(context)
  logHappening(context, 'device:unblocked', '')
  return true
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
