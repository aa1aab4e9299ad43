/**
 * Which evidence decides what an enrolment is: one table, which docs/security.md has in words. An identity without any is
 * unproven, and what it begins beside an enrolment that is there is contested.
 */

/** What becomes of the enrolment that was there, and of the commands that were queued for it. */
export interface Decision {
  /** `over`: the new one replaces it. `renewed`: both are one. `back`: the new one loses. */
  readonly earlier: 'over' | 'renewed' | 'back'
  /** Commands that lose data or lock somebody out. Others follow the enrolment that they were queued for. */
  readonly destructive: 'held' | 'go on'
}

export const PROOFS = {
  /** It is the first to enrol with this id, or after a CheckOut or an admin's `retire`. */
  first: { earlier: 'over', destructive: 'held' },
  /** It came from a fleet that moved here: this server did not issue it, and no device of this id was known. */
  adopted: { earlier: 'over', destructive: 'held' },
  /** Its challenge was bound to the UDID or the serial number that Apple's signature or an invitation vouched for. */
  challenge: { earlier: 'over', destructive: 'held' },
  /** It was issued to the present identity, or for a challenge that was sent to this enrolment. */
  renewal: { earlier: 'renewed', destructive: 'go on' },
  /** It acknowledged the InstallProfile that renews it, whose CommandUUID it was never given. */
  profile: { earlier: 'renewed', destructive: 'held' },
  /** The earlier identity acknowledged a fresh DeviceInformation. */
  probe: { earlier: 'back', destructive: 'go on' },
  /** The new one left by a CheckOut. */
  left: { earlier: 'back', destructive: 'go on' },
  /** The earlier identity stayed silent for as long as the contest lasts. */
  time: { earlier: 'over', destructive: 'held' },
  /** An admin decided. */
  admin: { earlier: 'over', destructive: 'held' },
  admin_renewal: { earlier: 'renewed', destructive: 'held' },
  admin_earlier: { earlier: 'back', destructive: 'go on' },
} as const satisfies Readonly<Record<string, Decision>>

export type Proof = keyof typeof PROOFS

export const PROOF_NAMES = Object.keys(PROOFS).filter((name): name is Proof => name in PROOFS)

/** What an admin's word can be. */
export type AdminProof = Extract<Proof, `admin${string}`>
