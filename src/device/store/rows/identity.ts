import type { Proof } from '../proof.ts'

/** The epoch of an identity that an admin has revoked: that of no enrolment. */
export const REVOKED_EPOCH = -1
/** The epoch of an identity of this enrolment that newer ones have replaced. */
export const OVERTAKEN_EPOCH = -2
/** The epoch of an identity that lost a contest: its messages are answered, and change nothing. */
export const FROZEN_EPOCH = -3

/** Steps that are kept of an identity. */
const MAX_HISTORY = 20

export interface IdentityStep {
  readonly at: number
  readonly what: 'bound' | 'moved' | 'renewed' | 'revoked' | 'reinstated' | 'frozen'
}

/** A certificate that was bound to this device. Only those of the device's epoch are its present identity. */
export interface Identity {
  readonly id: number
  readonly fingerprint: string
  /** The key, not the name, of the CA that issued it; empty if only the fingerprint is known yet. */
  readonly caKey: string
  readonly subject: string
  readonly notAfter: number
  epoch: number
  /** The serial number that the certificate's challenge, or an admin, has proven to be the device's. */
  provenSerial: string
  /** Whether an `identity_conflict` was recorded for it. */
  reported: boolean
  /** Its steps, oldest first. */
  history: readonly IdentityStep[]
  /** The evidence that it is the device's own; empty while there is none. */
  proof: Proof | ''
  /** Digests of the Authenticate and CheckOut messages that it signed, the newest last. */
  heard: readonly string[]
}

/** Moves an identity to another enrolment, or to none. A move that changes nothing is not kept as a step. */
export function changeEpoch(identity: Identity, epoch: number, step: IdentityStep): void {
  if (identity.epoch !== epoch) {
    identity.epoch = epoch
    identity.history = [...identity.history, step].slice(-MAX_HISTORY)
  }
}
