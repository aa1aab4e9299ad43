import type { Context } from '../store/context.ts'
import { checkOut } from '../enrolment/check-in.ts'
import { changed, listAnew } from './directory-row.ts'
import { happened } from '../store/commands/log.ts'
import { reinstate, revoke } from '../enrolment/identity.ts'
import { giveUp, viewQueue, type QueuedCommand } from '../queue/cancel.ts'
import { FROZEN, REVOKED, saveIdentity, type Identity } from '../store/identity-row.ts'
import { recalledChannel } from '../store/channels.ts'
import type { Proof } from '../store/proof.ts'
import { claimsSerial } from './serial-claim.ts'
import { saveDevice } from '../store/state.ts'

export interface QueuePage {
  readonly kind: 'page'
  readonly commands: readonly QueuedCommand[]
  readonly next: number | undefined
}

export function pageOfQueue(context: Context, user: string, after: number): QueuePage {
  const channel = recalledChannel(context, user)
  return channel
    ? { kind: 'page', ...viewQueue(context, channel, after) }
    : { kind: 'page', commands: [], next: undefined }
}

export type Cleared =
  | { readonly kind: 'cleared'; readonly cancelled: number }
  | { readonly kind: 'unknown' }

export function clearQueue(context: Context, user: string): Cleared {
  const channel = recalledChannel(context, user)
  return channel
    ? { kind: 'cleared', cancelled: giveUp(context, channel, 'cancelled') }
    : { kind: 'unknown' }
}

/** Blocking needs no enrolment: MicroMDM blocks ids that it never saw. */
export function block(context: Context): void {
  const { device } = context.state
  if (!device.blocked) {
    device.blocked = true
    saveDevice(context.db, device)
    happened(context, 'device:blocked', '')
  }
}

/** @returns false when the device was not blocked. */
export function unblock(context: Context): boolean {
  const { device } = context.state
  if (!device.blocked) {
    return false
  }
  device.blocked = false
  saveDevice(context.db, device)
  happened(context, 'device:unblocked', '')
  return true
}

/** Whether a device, or who has that identity of it, is to be handed nothing that leads to another identity. */
export function isShutOut({ state }: Context, fingerprint: string): boolean {
  const { device, identities } = state
  return (
    device.blocked ||
    identities.some(
      ({ fingerprint: known, epoch }) =>
        known === fingerprint && (epoch === REVOKED || epoch === FROZEN),
    )
  )
}

/** Takes the device off the lists until its next Authenticate. @returns false when nobody knows it. */
export function hide(context: Context): boolean {
  const { device } = context.state
  if (device.state === 'unknown' || device.hidden) {
    return false
  }
  device.hidden = true
  changed(context)
  happened(context, 'device:deleted', '')
  return true
}

/** An admin's word on a serial number: `other`, the device tells another one; `gone`, it has a part in none; `contested`: which enrolment is the device is to be
 * decided first. */
export type SerialWord =
  | { readonly kind: 'taken' | 'unknown' | 'gone' | 'contested' }
  | { readonly kind: 'other'; readonly serial: string }

/** The serial number that the device tells is its own, or is not proven to be: by an admin's word, for the present enrolment. */
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
    saveIdentity(context.db, identity)
  }
  listAnew(context)
  return { kind: 'taken' }
}

export function reinstateIdentity(context: Context, fingerprint: string): boolean {
  return listed(context, reinstate(context, fingerprint))
}

export function revokeIdentity(context: Context, fingerprint: string): boolean {
  return listed(context, revoke(context, fingerprint))
}

/** With an identity comes or goes what it proves. */
function listed(context: Context, isChanged: boolean): boolean {
  if (isChanged) {
    listAnew(context)
  }
  return isChanged
}

/** A device's certificates: `current`, of an `earlier` enrolment, `frozen` because it lost a contest, or `revoked`. */
export interface ListedIdentity {
  readonly fingerprint: string
  readonly subject: string
  readonly notAfter: number
  readonly standing: 'current' | 'earlier' | 'frozen' | 'revoked'
  readonly proof: Proof | ''
}

export function listIdentities(context: Context): readonly ListedIdentity[] {
  const { device, identities } = context.state
  const marked: ReadonlyMap<number, ListedIdentity['standing']> = new Map([
    [REVOKED, 'revoked'],
    [FROZEN, 'frozen'],
    [device.epoch, 'current'],
  ])
  const standing = ({ epoch }: Identity): ListedIdentity['standing'] =>
    marked.get(epoch) ?? 'earlier'
  return identities.map((identity) => ({
    fingerprint: identity.fingerprint,
    subject: identity.subject,
    notAfter: identity.notAfter,
    standing: standing(identity),
    proof: identity.proof,
  }))
}

/**
 * An admin knows that the device is gone (another one bears its serial number, or it was scrapped): it is
 * pushed no more. Its own next message makes it current again, as after a CheckOut.
 * @returns false when nobody knows it.
 */
export function retire(context: Context): boolean {
  const { state } = context.state.device
  if (state === 'unknown') {
    return false
  }
  checkOut(context, '')
  if (state !== 'checked_out') {
    happened(context, 'device:retired', '')
  }
  return true
}
