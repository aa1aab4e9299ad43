/**
 * The evidence that decides about an enrolment: one table, which docs/security.md ("Proof") has in words. An
 * identity without evidence is unproven, and an enrolment that it begins beside another one is contested.
 */

/** The fate of the earlier enrolment, and of the commands that were queued for it. */
export interface Decision {
  /** `over`: the new enrolment replaces it. `renewed`: both are one. `back`: the new enrolment loses. */
  readonly earlier: 'over' | 'renewed' | 'back'
  /** Destructive commands. Others follow the enrolment that they were queued for. */
  readonly destructive: 'held' | 'go on'
}

export const PROOFS = {
  /** The identity is the first one with this id, or the first after a CheckOut or an admin's `retire`. */
  first: { earlier: 'over', destructive: 'held' },
  /** It is of a fleet that moved here: this server did not issue it, and knew no device with this id. */
  adopted: { earlier: 'over', destructive: 'held' },
  /** Another server had it bound to this id, and its records came here. */
  moved: { earlier: 'over', destructive: 'held' },
  /** Its challenge was bound to the UDID or serial number that Apple's signature or an invitation proved. */
  challenge: { earlier: 'over', destructive: 'held' },
  /** It was issued to the present identity, or for a challenge that was sent to this enrolment. */
  renewal: { earlier: 'renewed', destructive: 'go on' },
  /** It acknowledged the InstallProfile that renews it, and was never given that command's UUID. */
  profile: { earlier: 'renewed', destructive: 'held' },
  /** The earlier identity acknowledged a fresh DeviceInformation. */
  probe: { earlier: 'back', destructive: 'go on' },
  /** The new enrolment ended with a CheckOut. */
  left: { earlier: 'back', destructive: 'go on' },
  /** The earlier identity sent nothing during the whole contest. */
  time: { earlier: 'over', destructive: 'held' },
  /** An admin decided. */
  admin: { earlier: 'over', destructive: 'held' },
  admin_renewal: { earlier: 'renewed', destructive: 'held' },
  admin_earlier: { earlier: 'back', destructive: 'go on' },
} as const satisfies Readonly<Record<string, Decision>>

export type Proof = keyof typeof PROOFS

export const PROOF_NAMES = Object.keys(PROOFS).filter((name): name is Proof => name in PROOFS)

/** The decisions that an admin can make. */
export type AdminProof = Extract<Proof, `admin${string}`>
