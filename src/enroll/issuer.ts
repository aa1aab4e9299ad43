import type { Anchor } from '../pki/x509/path.ts'
import type { Subject } from '../pki/seal/challenge.ts'

/** The purpose of a challenge. */
export interface ChallengeTerms {
  /** Version of the enrolment profile that holds it (`installed-profile.ts`); 0 for none. */
  readonly profile: number
  /** The device that it is bound to: each value in it has to be that of the device that uses the identity. */
  readonly subject?: Subject
  /**
   * All challenges with the same text get one certificate together; each challenge without a text gets one
   * of its own.
   */
  readonly oncePer?: string
  /**
   * `anybody`: downloads are open. `token`: the download had the deployment's token. Else an admin's
   * invitation opened it.
   */
  readonly by: 'anybody' | 'token' | InvitedBy
}

/** The invitation that opened a download. */
export interface InvitedBy {
  readonly id: string
  readonly maxUses: number
}

/** The parts of the certificate authority that enrolment needs. */
export interface IdentityIssuer {
  /** A SCEP challenge for one download of a profile. */
  challenge(terms: ChallengeTerms): Promise<string>
  /** The CAs whose identities are accepted, issuing and retired ones. */
  anchors(): Promise<readonly Anchor[]>
}
