import type { Context } from './context.ts'

/** Which channel of an object an admin means. */
export interface Address {
  /** Empty for the device channel. */
  readonly user: string
  /** The object's name is all that the admin wrote: it may be the UserID of a channel in another device. */
  readonly bare: boolean
}

/**
 * The directory may know a user channel with this UserID. `none`: the name is no device's, and never was. `contested`: a device
 * enrolled with it when admins meant the user by it. `blocked`: an admin has blocked that device.
 */
export interface Elsewhere {
  readonly kind: 'elsewhere'
  readonly device: 'none' | 'contested' | 'blocked'
}

/** Whether an address may lead elsewhere. What is or was a device's id means the device, but for a contested one. */
export function elsewhere(context: Context, { bare }: Address): Elsewhere | undefined {
  const { namesake, blocked } = context.state.device
  if (!bare || (isDevice(context) && namesake !== 'contested')) {
    return undefined
  }
  const device = !isDevice(context) ? 'none' : blocked ? 'blocked' : 'contested'
  return { kind: 'elsewhere', device }
}

/** Whether a device has ever enrolled under the object's name. */
export function isDevice({ state: { device, identities } }: Context): boolean {
  return device.state !== 'unknown' || identities.length > 0
}
