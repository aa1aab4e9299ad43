/** What those who may enrol are given: a profile, with a challenge for its identity. */
import type { Context } from 'hono'
import { clock } from '../../clock.ts'
import { storedProfile } from '../../directory/profiles.ts'
import { ENROLL_ID, ownProfile, PROFILE_VERSION } from '../../enroll/installed-profile.ts'
import { enrollmentProfile, type ScepFacts } from '../../enroll/profile.ts'
import { signProfile } from '../../enroll/sign-profile.ts'
import { deviceUrls, type DeviceUrls } from '../../enroll/urls.ts'
import { warn } from '../../log.ts'
import type { Subject } from '../../pki/seal/challenge.ts'
import type { PlistDict } from '../../plist/value.ts'
import { writePlist } from '../../plist/write.ts'
import type { AppEnv } from '../app-env.ts'
import { baseUrl } from '../base-url.ts'
import type { Admitted } from './enroll-access.ts'
import { identityIssuer } from '../../identity/issuer.ts'
import { pushTopic } from './push-topic.ts'

export type EnrollContext = Context<AppEnv>

const PROFILE_HEADERS = {
  'content-type': 'application/x-apple-aspen-config',
  'cache-control': 'no-store',
}
export const NO_PUSH_CERTIFICATE =
  'This server has no push certificate yet, so no device can enrol. Its administrator has to install one: docs/enrolment.md'

/** The enrolment profile, for the device that is known, if one is. `phase2`: see {@link challenge}. */
export async function enrollment(
  c: EnrollContext,
  admission: Admitted,
  subject: Subject = {},
  phase2?: string,
): Promise<Response> {
  if (!(await canEnroll(c))) {
    return refuse(c, 503, NO_PUSH_CERTIFICATE)
  }
  // Programs that look whether a link leads somewhere get no challenge.
  if (c.req.method === 'HEAD') {
    return c.body(null, { headers: PROFILE_HEADERS })
  }
  const response = await profile(c, ENROLL_ID, async ({ serverUrl, checkInUrl, scepUrl }) => {
    const topic = await pushTopic(c.env, c.var.config)
    const own = ownProfile({ serverUrl, checkInUrl, topic })
    return enrollmentProfile(own, {
      ...namesOf(c),
      scepUrl,
      challenge: await challenge(c, PROFILE_VERSION, admission, subject, phase2),
    })
  })
  response.headers.set('content-disposition', 'attachment; filename="enroll.mobileconfig"')
  return response
}

/** A profile that an admin stored brings a topic of its own. */
export async function canEnroll(c: EnrollContext): Promise<boolean> {
  return (
    (await pushTopic(c.env, c.var.config)) !== '' ||
    (await storedProfile(c.env.DB, ENROLL_ID)) !== undefined
  )
}

/** The stored profile of that identifier byte for byte, else the one that `make` makes, signed if we can sign. */
export async function profile(
  c: EnrollContext,
  identifier: string,
  make: (urls: DeviceUrls) => PlistDict | Promise<PlistDict>,
): Promise<Response> {
  if (c.req.method === 'HEAD') {
    return new Response(null, { headers: PROFILE_HEADERS })
  }
  const stored = await storedProfile(c.env.DB, identifier)
  const body =
    stored?.mobileconfig ?? sign(c, writePlist(await make(deviceUrls(baseUrl(c), queryOf(c)))))
  return new Response(body, { headers: PROFILE_HEADERS })
}

function sign(c: EnrollContext, body: Uint8Array): Uint8Array {
  const signer = c.var.config.enrollment.profileSigner
  if (signer && signer.certificate.notAfter < clock.now()) {
    warn('enroll:signing-certificate-expired', { subject: signer.certificate.subjectText })
  }
  return signProfile(body, signer, clock.now())
}

/**
 * The challenge of a profile of that version, for that device, and for no other than an invitation is for. `phase2` is
 * the identity that asks for another one: each gets one, or whoever has one has as many as he likes.
 */
export async function challenge(
  c: EnrollContext,
  version: number,
  admission: Admitted,
  known: Subject,
  phase2?: string,
): Promise<string> {
  const { mode } = c.var.config.enrollment.access
  const invitation = admission.kind === 'invited' ? admission.invitation : undefined
  const subject = invitation?.serial ? { ...known, serial: invitation.serial } : known
  return identityIssuer(c.env, c.var.config).challenge({
    profile: version,
    subject,
    by: invitation ?? (mode === 'token' ? 'token' : 'anybody'),
    ...(phase2 === undefined ? {} : { oncePer: phase2 }),
  })
}

/** The log says why; what a sender reads of a signature is the same for every fault in it. */
export function refuse(c: EnrollContext, status: 400 | 403 | 413 | 503, reason: string): Response {
  warn('enroll:refused', { path: c.req.path, status, reason })
  const text = status === 400 ? 'the body is not signed by a device that may enrol' : reason
  return c.text(`${text}\n`, status, { 'cache-control': 'no-store' })
}

export function queryOf(c: EnrollContext): URLSearchParams {
  return new URL(c.req.url).searchParams
}

/** What a payload is named by: UUIDs of its own, and the organisation that people see. */
export function namesOf(c: EnrollContext): Pick<ScepFacts, 'newUuid' | 'organization'> {
  const { organization } = c.var.config.enrollment
  return { newUuid: () => crypto.randomUUID(), organization }
}
