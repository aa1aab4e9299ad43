import { clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { authorityAnchors } from '../directory/authorities.ts'
import { profileChallenge } from '../directory/challenges.ts'
import type { IdentityIssuer } from '../enroll/issuer.ts'
import type { ReachEnv } from '../device/reach.ts'
import { imported } from '../pki/x509/path.ts'

/** The CA behind `/scep`, for the rooms of enrolment. */
export function identityIssuer(env: ReachEnv, config: Config): IdentityIssuer {
  return {
    challenge: (terms) => profileChallenge(env.DB, config, clock.now(), terms),
    anchors: async () => [...(await authorityAnchors(env.DB)), ...config.deviceCAs.map(imported)],
  }
}
