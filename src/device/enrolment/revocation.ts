/** An admin lists, revokes and reinstates the certificates of a device. */
import { isKept } from '../standing/contest.ts'
import { leaveIfEmpty, replacePresent, settleContest } from '../standing/contest-end.ts'
import { listAnew } from '../standing/directory-row.ts'
import { proveNamed } from '../standing/unproven.ts'
import type { Context } from '../store/context.ts'
import { changeEpoch, FROZEN_EPOCH, REVOKED_EPOCH, type Identity } from '../store/rows/identity.ts'
import type { Proof } from '../store/proof.ts'
import { acceptIdentity } from './identity.ts'
import { saveDevice } from '../store/rows/save.ts'

/** `current`; of an `earlier` enrolment; `frozen`, because it lost a contest; or `revoked`. */
export interface DeviceIdentity {
  readonly fingerprint: string
  readonly subject: string
  readonly notAfter: number
  readonly standing: 'current' | 'earlier' | 'frozen' | 'revoked'
  readonly proof: Proof | ''
}

export function viewIdentities({ state }: Context): readonly DeviceIdentity[] {
  const { device, identities } = state
  const marked: ReadonlyMap<number, DeviceIdentity['standing']> = new Map([
    [REVOKED_EPOCH, 'revoked'],
    [FROZEN_EPOCH, 'frozen'],
    [device.epoch, 'current'],
  ])
  return identities.map(({ fingerprint, subject, notAfter, epoch, proof }) => ({
    fingerprint,
    subject,
    notAfter,
    standing: marked.get(epoch) ?? 'earlier',
    proof,
  }))
}

/** Makes an identity a present one again. @returns false when the device never had it. */
export function reinstateIdentity(context: Context, fingerprint: string): boolean {
  const identity = findIdentity(context, fingerprint)
  if (!identity) {
    return false
  }
  if (isKept(context, identity)) {
    settleContest(context, 'admin_earlier', identity.epoch)
  }
  if (identity.epoch === context.state.device.epoch) {
    // An admin who names an unproven identity decides that it is the device's.
    settleContest(context, 'admin')
  } else {
    replacePresent(context)
  }
  acceptIdentity(context, identity, { what: 'reinstated', proof: 'admin', digest: '' })
  if (context.state.device.moved?.unproven) {
    proveNamed(context, [fingerprint], 'admin')
  }
  // The serial number that the identity proves is part of the directory's row.
  listAnew(context)
  return true
}

/** Refuses an identity from the next message on. @returns false when the device never had it. */
export function revokeIdentity(context: Context, fingerprint: string): boolean {
  const identity = findIdentity(context, fingerprint)
  if (!identity) {
    return false
  }
  const isPresent = identity.epoch === context.state.device.epoch
  changeEpoch(identity, REVOKED_EPOCH, { at: context.now, what: 'revoked' })
  saveDevice(context)
  if (isPresent) {
    leaveIfEmpty(context)
  }
  listAnew(context)
  return true
}

function findIdentity({ state }: Context, fingerprint: string): Identity | undefined {
  return state.identities.find((known) => known.fingerprint === fingerprint)
}
