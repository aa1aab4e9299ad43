import { clock } from '../../clock.ts'
import type { Config } from '../../config.ts'
import { authorityCertificates } from '../../directory/authorities.ts'
import { profileChallenge } from '../../directory/challenges.ts'
import type { IdentityIssuer } from '../../enroll/issuer.ts'
import type { Env } from '../../env.ts'

/** The CA behind `/scep`, as enrolment sees it. */
export function identityIssuer(env: Env, config: Config): IdentityIssuer {
  return {
    challenge: (profile) => profileChallenge(env.DB, config.scep, clock.now(), profile),
    caCertificates: async () => [...(await authorityCertificates(env.DB)), ...config.deviceCAs],
  }
}
