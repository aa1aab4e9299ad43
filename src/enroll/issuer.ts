import type { Anchor } from '../pki/x509/path.ts'
import type { Subject } from '../pki/seal/challenge.ts'

/** What a challenge is given out for. */
export interface ChallengeTerms {
  /** Version of the enrolment profile that it stands in (`installed-profile.ts`); 0 when it stands in none. */
  readonly profile: number
  /** The device that it is bound to: what is named of it has to be true of whoever uses the identity. */
  readonly subject?: Subject
  /** All challenges with the same text are good for one certificate together; those with none for one each. */
  readonly oncePer?: string
  /** `anybody`: downloads are open. `token`: the download showed the deployment's token. Else an admin's invitation opened it. */
  readonly by: 'anybody' | 'token' | InvitedBy
}

/** The invitation that opened a download. */
export interface InvitedBy {
  readonly id: string
  readonly maxUses: number
}

/** What enrolment needs of the certificate authority that gives devices their identities. */
export interface IdentityIssuer {
  /** A SCEP challenge for one download of a profile. */
  challenge(terms: ChallengeTerms): Promise<string>
  /** The CAs whose identities are accepted, issuing and retired ones. */
  anchors(): Promise<readonly Anchor[]>
}
