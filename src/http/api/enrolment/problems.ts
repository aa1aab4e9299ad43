import type { Context } from 'hono'
import { clock } from '../../../clock.ts'
import { pushCertificateInUse } from '../../../device/push/certificate.ts'
import { authorityCertificates } from '../../../directory/authorities.ts'
import { storedProfile } from '../../../directory/profiles.ts'
import { ENROLL_ID } from '../../../enroll/installed-profile.ts'
import type { AppEnv } from '../../app-env.ts'
import { baseUrl } from '../../host.ts'

/** Something that keeps every device from enrolling, and what to do. */
interface EnrolmentProblem {
  readonly text: string
  readonly fix: string
}

export async function enrolmentProblems(c: Context<AppEnv>): Promise<readonly EnrolmentProblem[]> {
  const {
    env,
    var: { config },
  } = c
  const [{ topic }, stored, authorities] = await Promise.all([
    pushCertificateInUse(env, config, clock.now()),
    storedProfile(env.DB, ENROLL_ID),
    authorityCertificates(env.DB),
  ])
  const problems: readonly (readonly [isFound: boolean, text: string, fix: string])[] = [
    [
      !baseUrl(c).startsWith('https:'),
      'the address is not https: Apple devices refuse the profile',
      'deploy the server (docs/deploy.md), or put a proxy with TLS in front of it',
    ],
    [
      topic === '' && stored === undefined,
      'there is no push certificate: the server gives no profile out',
      'install one with `npm run push-cert` (docs/push-certificate.md)',
    ],
    [
      authorities.length === 0 && stored === undefined,
      'there is no certificate authority: no device gets an identity',
      'make one with `npm run ca -- create` (docs/certificates.md)',
    ],
  ]
  return problems.flatMap(([isFound, text, fix]) => (isFound ? [{ text, fix }] : []))
}
