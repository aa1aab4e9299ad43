import type { Anchor } from '../pki/path.ts'
import type { InstalledProfile } from './installed-profile.ts'

/** What enrolment needs of the certificate authority that gives devices their identities. */
export interface IdentityIssuer {
  /**
   * A SCEP challenge for one download of a profile; empty when the profile is to have none. `profile` is kept for
   * the enrolment that uses it, so that it can be repeated.
   */
  challenge(profile?: InstalledProfile): Promise<string>
  /** The CAs whose identities are accepted, issuing and retired ones. */
  anchors(): Promise<readonly Anchor[]>
}
