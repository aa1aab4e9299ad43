import type { Config } from '../../config.ts'
import type { IdentityIssuer } from '../../enroll/issuer.ts'
import type { Env } from '../../env.ts'

/** The CA behind `/scep`, as enrolment sees it. */
export function identityIssuer(_: Env, config: Config): IdentityIssuer {
  // Until SCEP is served here: devices' CAs are those of DEVICE_CA, and there is no challenge to hand out.
  return {
    challenge: () => Promise.resolve(''),
    caCertificates: () => Promise.resolve(config.deviceCAs),
  }
}
