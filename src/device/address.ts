import type { Context } from './context.ts'
import { knownChannel } from './state.ts'

/** Which channel of an object an admin means. */
export interface Address {
  /** Empty for the device channel. */
  readonly user: string
  /** The object's name is all that the admin wrote: it may be the UserID of a channel in another device. */
  readonly bare: boolean
}

/** The name is that of no device, and never was: the directory may know a user channel with this UserID. */
export interface Elsewhere {
  readonly kind: 'elsewhere'
}

/** Whether an address may lead elsewhere. What is or was a device's id always means the device. */
export function elsewhere(context: Context, { bare }: Address): Elsewhere | undefined {
  return bare && !isDevice(context) ? { kind: 'elsewhere' } : undefined
}

/** Whether a device has ever enrolled under the object's name. */
export function isDevice({ state: { device, identities } }: Context): boolean {
  return device.state !== 'unknown' || identities.length > 0
}

/** How a device stands to a bare UserID: the directory's rows are an index, and may lag behind. */
export interface UserClaim {
  readonly holds: boolean
  /** Of the device's row; a claim of a later version is not meant. */
  readonly version: number
}

export function userClaim({ state }: Context, user: string): UserClaim {
  return {
    // An admin who blocks a device ends what it claims.
    holds: !state.device.blocked && (knownChannel(state, user)?.claim ?? 'none') !== 'none',
    version: state.device.version,
  }
}
