import type { Context } from './context.ts'

/** The channel of an object that an admin means. */
export interface Address {
  /** Empty for the device channel. */
  readonly user: string
  /** The admin wrote the object's name alone: it may be the UserID of a channel in another device. */
  readonly bare: boolean
}

/** The device itself, even if a user of another device has its id as a UserID. */
export const ITSELF: Address = { user: '', bare: false }

export interface Unknown {
  readonly kind: 'unknown'
}

/**
 * The directory may know a user channel with this UserID. `none`: no device has or had this id. `contested`:
 * a device enrolled with it when admins meant the user by it. `blocked`: an admin has blocked that device.
 */
export interface Elsewhere {
  readonly kind: 'elsewhere'
  readonly device: 'none' | 'contested' | 'blocked'
}

/**
 * An id that is or was a device's means the device, unless it is contested. Another one may lead elsewhere.
 */
export function elsewhere(context: Context, { bare }: Address): Elsewhere | undefined {
  const { namesake, blocked } = context.state.device
  if (!bare || (isDevice(context) && namesake !== 'contested')) {
    return undefined
  }
  const device = !isDevice(context) ? 'none' : blocked ? 'blocked' : 'contested'
  return { kind: 'elsewhere', device }
}

/** Whether a device has ever enrolled with the object's name. */
export function isDevice({ state: { device, identities } }: Context): boolean {
  return device.state !== 'unknown' || identities.length > 0
}
