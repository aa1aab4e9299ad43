/** The profile for a device that may enrol, with a challenge for its identity. */
import type { Context } from 'hono'
import { clock } from '../../../clock.ts'
import { pushCertificateInUse } from '../../../device/push/certificate.ts'
import { storedProfile } from '../../../directory/profiles.ts'
import { ENROLL_ID, ownProfile, PROFILE_VERSION } from '../../../enroll/installed-profile.ts'
import { enrollmentProfile, OTA_PHASE2_ID, type ScepFacts } from '../../../enroll/profile.ts'
import { signProfile } from '../../../enroll/sign-profile.ts'
import { deviceUrls, type DeviceUrls } from '../../../enroll/urls.ts'
import { noteStep } from '../../../figures/steps.ts'
import { warn } from '../../../log.ts'
import type { Subject } from '../../../pki/seal/challenge.ts'
import type { PlistDict } from '../../../plist/value.ts'
import { writePlist } from '../../../plist/write.ts'
import type { AppEnv } from '../../app-env.ts'
import { baseUrl } from '../../host.ts'
import { ENROLL, OTA, OTA_PHASE23 } from '../../paths.ts'
import type { EnrollAllowed } from './access.ts'
import { identityIssuer } from '../../../identity/issuer.ts'

export type EnrollContext = Context<AppEnv>

const PROFILE_HEADERS = {
  'content-type': 'application/x-apple-aspen-config',
  'cache-control': 'no-store',
}
/** How a profile was asked for, where that is not by its link. */
const WAYS: Readonly<Record<string, string>> = {
  [`POST ${ENROLL}`]: 'Automated Device Enrollment',
  [`GET ${OTA}`]: 'over the air',
  [`POST ${OTA_PHASE23}`]: 'over the air',
}
export const NO_PUSH_CERTIFICATE =
  'This server has no push certificate yet, so no device can enrol. Its administrator has to install one: ' +
  'docs/enrolment.md'

/** Sends the enrolment profile. `subject`: the device, if known. `phase2`: see {@link enrollChallenge}. */
export async function sendEnrollmentProfile(
  c: EnrollContext,
  access: EnrollAllowed,
  subject: Subject = {},
  phase2?: string,
): Promise<Response> {
  if (!(await canEnroll(c))) {
    return refuseEnrollment(c, 503, NO_PUSH_CERTIFICATE)
  }
  // A program that checks a link gets no challenge.
  if (c.req.method === 'HEAD') {
    return c.body(null, { headers: PROFILE_HEADERS })
  }
  const response = await sendProfile(c, ENROLL_ID, async ({ serverUrl, checkInUrl, scepUrl }) => {
    const topic = await pushTopic(c)
    const own = ownProfile({ serverUrl, checkInUrl, topic })
    return enrollmentProfile(own, {
      ...namesOf(c),
      scepUrl,
      challenge: await enrollChallenge(c, PROFILE_VERSION, access, subject, phase2),
    })
  })
  response.headers.set('content-disposition', 'attachment; filename="enroll.mobileconfig"')
  return response
}

/** Whether new devices get a push topic: from the push certificate, or from a stored profile. */
export async function canEnroll(c: EnrollContext): Promise<boolean> {
  return (await pushTopic(c)) !== '' || (await storedProfile(c.env.DB, ENROLL_ID)) !== undefined
}

/**
 * Sends the stored profile of that identifier unchanged, or else the one of `make`, signed if possible.
 */
export async function sendProfile(
  c: EnrollContext,
  identifier: string,
  make: (urls: DeviceUrls) => PlistDict | Promise<PlistDict>,
): Promise<Response> {
  if (c.req.method === 'HEAD') {
    return new Response(null, { headers: PROFILE_HEADERS })
  }
  if (identifier !== OTA_PHASE2_ID) {
    noteStep('profile_sent', WAYS[`${c.req.method} ${c.req.path}`] ?? '')
  }
  const stored = await storedProfile(c.env.DB, identifier)
  const body =
    stored?.mobileconfig ?? sign(c, writePlist(await make(deviceUrls(baseUrl(c), queryOf(c)))))
  return new Response(body, { headers: PROFILE_HEADERS })
}

/**
 * The topic of new enrolments, read for each of them: MicroMDM read it once, and gave out the old one after a
 * change of certificate (micromdm/micromdm#466). Empty as long as there is no push certificate.
 */
async function pushTopic({ env, var: { config } }: EnrollContext): Promise<string> {
  return (await pushCertificateInUse(env, config, clock.now())).topic
}

function sign(c: EnrollContext, body: Uint8Array): Uint8Array {
  const signer = c.var.config.enrollment.profileSigner
  if (signer && signer.certificate.notAfter < clock.now()) {
    warn('enroll:signing-certificate-expired', { subject: signer.certificate.subjectText })
  }
  return signProfile(body, signer, clock.now())
}

/**
 * The challenge of a profile of that version, bound to that device and to the serial number of the
 * invitation. `phase2` is the identity that signed the request: it gets one challenge only. Otherwise one
 * identity would lead to any number.
 */
export async function enrollChallenge(
  c: EnrollContext,
  version: number,
  access: EnrollAllowed,
  known: Subject,
  phase2?: string,
): Promise<string> {
  const { mode } = c.var.config.enrollment.access
  const invitation = access.kind === 'invited' ? access.invitation : undefined
  const subject = invitation?.serial ? { ...known, serial: invitation.serial } : known
  return identityIssuer(c.env, c.var.config).challenge({
    profile: version,
    subject,
    by: invitation ?? (mode === 'token' ? 'token' : 'anybody'),
    ...(phase2 === undefined ? {} : { oncePer: phase2 }),
  })
}

/** The log has the reason. The sender gets one text for all faults of a signature. */
export function refuseEnrollment(
  c: EnrollContext,
  status: 400 | 403 | 413 | 503,
  reason: string,
): Response {
  noteStep('refused', reason)
  warn('enroll:refused', { path: c.req.path, status, reason })
  const text = status === 400 ? 'the body is not signed by a device that may enrol' : reason
  return c.text(`${text}\n`, status, { 'cache-control': 'no-store' })
}

export function queryOf(c: EnrollContext): URLSearchParams {
  return new URL(c.req.url).searchParams
}

/** The names in a payload: new UUIDs, and the organisation that the person sees. */
export function namesOf(c: EnrollContext): Pick<ScepFacts, 'newUuid' | 'organization'> {
  const { organization } = c.var.config.enrollment
  return { newUuid: () => crypto.randomUUID(), organization }
}
