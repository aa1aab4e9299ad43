import { type Context, Hono } from 'hono'
import { clock } from '../../clock.ts'
import type { EnrollmentAccess } from '../../config.ts'
import { storedProfile } from '../../directory/profiles.ts'
import { type MachineInfo, readMachineInfo } from '../../enroll/machine-info.ts'
import { softwareUpdateRequired } from '../../enroll/minimum-os.ts'
import { ENROLL_ID, ownProfile, PROFILE_VERSION } from '../../enroll/installed-profile.ts'
import {
  enrollmentProfile,
  OTA_ID,
  OTA_PHASE2_ID,
  otaPhase2Profile,
  profileServicePayload,
} from '../../enroll/profile.ts'
import { signProfile } from '../../enroll/sign-profile.ts'
import { openSignedPlist, whoSigned } from '../../enroll/signed-plist.ts'
import { deviceUrls, type DeviceUrls, enrollUrls } from '../../enroll/urls.ts'
import { rfc3339 } from '../../events/event.ts'
import { log, warn } from '../../log.ts'
import { PlistError } from '../../plist/error.ts'
import type { PlistDict } from '../../plist/value.ts'
import { writePlist } from '../../plist/write.ts'
import type { Subject } from '../../pki/challenge.ts'
import type { AppEnv } from '../app-env.ts'
import { baseUrl } from '../base-url.ts'
import { readBody } from '../body.ts'
import { admissionOf, type Admitted, NEEDS_A_SERIAL, serialRefusal } from './admission.ts'
import { enrollPage, type PageContent } from './enroll-page.ts'
import { identityIssuer } from './identity-issuer.ts'
import { isShutOut, provenSubject } from './proven-subject.ts'
import { pushTopic } from './push-topic.ts'

type EnrollContext = Context<AppEnv>

const ENROLL = '/mdm/enroll'
const OTA = '/ota/enroll'
const OTA_PHASE23 = '/ota/phase23'
/** Where a server of Apple Configurator's finds the certificates that its devices have to trust first. */
const ANCHOR_CERTS = '/mdm/anchor-certs'

/** Where devices and their users come before there is an enrolment. */
export const PATHS = ['/', ENROLL, OTA, OTA_PHASE23]

/** A MachineInfo with its certificates is some 6 KB. */
const MAX_SIGNED_BYTES = 100_000
const PROFILE_HEADERS = {
  'content-type': 'application/x-apple-aspen-config',
  'cache-control': 'no-store',
}
/** As Apple writes it. */
const JSON_TYPE = 'application/json; charset=UTF8'
const BLOCKED = 'an admin has blocked the device: unblock it first'
const NO_PUSH_CERTIFICATE =
  'This server has no push certificate yet, so no device can enrol. Its administrator has to install one: docs/enrolment.md'

/** An identity in phase 2, and the one of the enrolment itself in phase 3. */
const OTA_USES = 2
const OTA_USES_TWO =
  'An enrolment over the air uses an invitation twice, and this one has less left: ask your administrator for one with two uses, or open the link to the page.'

/** The way in: MicroMDM's routes (micromdm-contract §6.1, §6.2), the page before them, and Apple Configurator's. */
export const enrollFace = new Hono<AppEnv>()

/**
 * A handler that only hears of those who may have a profile, and how. A 403 is right here and on no other device route:
 * who asks for a profile is not enrolled yet, and has nothing that a 403 could take away.
 */
function admitted(handle: (c: EnrollContext, admission: Admitted) => Promise<Response>) {
  return async (c: EnrollContext): Promise<Response> => {
    const admission = await admissionOf(c)
    return admission.kind === 'refused' ? refuse(c, 403, admission.reason) : handle(c, admission)
  }
}

enrollFace.all('/', async (c) =>
  c.var.config.enrollment.homepage ? enrollPage(await pageContent(c)) : c.notFound(),
)

enrollFace.get(
  ENROLL,
  admitted(async (c, admission) =>
    admission.kind === 'by-serial' ? refuse(c, 403, NEEDS_A_SERIAL) : enrollment(c, admission),
  ),
)

/** Automated Device Enrollment: Setup Assistant posts what the device is, signed with what Apple built into it. */
enrollFace.post(
  ENROLL,
  admitted(async (c, admission) => {
    const signed = await signedInfo(c, admission)
    if (!signed.ok) {
      return refuse(c, signed.status, signed.reason)
    }
    if (signed.by !== 'apple') {
      return refuse(c, 400, 'MachineInfo is signed by no Apple device')
    }
    const { udid, serial, product, osVersion } = signed.info
    const required = softwareUpdateRequired(signed.info, c.var.config.enrollment.minimumOs)
    log('enroll:ade', { serial, product, osVersion, updateFirst: required !== undefined })
    if (required) {
      return Response.json(required, { status: 403 })
    }
    return (await isShutOut(c.env, udid))
      ? refuse(c, 400, BLOCKED)
      : enrollment(c, admission, { udid, serial })
  }),
)

/** No serial number is shown yet, and nothing is given but the URL of phases 2 and 3. */
enrollFace.all(
  OTA,
  admitted(async (c, admission) => {
    if (admission.kind === 'invited' && usesLeft(admission) < OTA_USES) {
      return refuse(c, 403, OTA_USES_TWO)
    }
    return (await canEnroll(c))
      ? profile(c, OTA_ID, (urls) => profileServicePayload(urls.phase23Url, { newUuid }))
      : refuse(c, 503, NO_PUSH_CERTIFICATE)
  }),
)

/** Phases 2 and 3 are told apart by who signed: an Apple device, or the identity that phase 2 gave it. */
enrollFace.post(
  OTA_PHASE23,
  admitted(async (c, admission) => {
    const signed = await signedInfo(c, admission)
    if (!signed.ok) {
      return refuse(c, signed.status, signed.reason)
    }
    if (signed.by === 'identity') {
      const proven = await provenSubject(c.env, signed.fingerprint, signed.info)
      if (!proven.ok) {
        return refuse(c, 400, proven.reason)
      }
      // The serial number is the word of whoever holds the identity, unless its challenge was bound to it.
      return admission.kind === 'by-serial' && proven.subject.serial === undefined
        ? refuse(c, 403, NEEDS_A_SERIAL)
        : enrollment(c, admission, proven.subject, signed.fingerprint)
    }
    const { udid, serial } = signed.info
    if (await isShutOut(c.env, udid)) {
      return refuse(c, 400, BLOCKED)
    }
    return profile(c, OTA_PHASE2_ID, async (urls) =>
      otaPhase2Profile({
        newUuid,
        scepUrl: urls.scepUrl,
        challenge: await challenge(c, 0, admission, { udid, serial }),
      }),
    )
  }),
)

/**
 * The challenge of a profile of that version, for that device, and for no other than an invitation is for. `phase2` is
 * the identity that asks for another one: each gets one, or whoever has one has as many as he likes.
 */
async function challenge(
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

/**
 * What Apple Configurator asks a server by its host name. The token stays out, because everyone may ask: where one is
 * needed, the URL has to be completed by hand. There is no trust profile, because the server's certificate is public.
 */
enrollFace.get('/MDMServiceConfig', (c) => {
  const base = baseUrl(c)
  return json({ dep_enrollment_url: base + ENROLL, dep_anchor_certs_url: base + ANCHOR_CERTS })
})

/** Asked for even when there are none (Apple, "Simplifying MDM server administration"). */
enrollFace.get(ANCHOR_CERTS, () => json([]))

async function pageContent(c: EnrollContext): Promise<PageContent> {
  const admission = await admissionOf(c)
  if (admission.kind === 'refused') {
    return { kind: 'problem', text: admission.reason }
  }
  if (!(await canEnroll(c))) {
    return { kind: 'problem', text: NO_PUSH_CERTIFICATE }
  }
  const urls = enrollUrls(baseUrl(c), queryOf(c), true)
  const { mode } = c.var.config.enrollment.access
  switch (admission.kind) {
    case 'invited':
      return { kind: 'ready', url: urls.profile, note: invitationNote(admission) }
    case 'by-serial':
      return { kind: 'ready', url: urls.ota, note: NOTES.known }
    case 'open':
      return { kind: 'ready', url: urls.profile, note: NOTES[mode] }
  }
}

const NOTES: Readonly<Record<EnrollmentAccess['mode'], string>> = {
  open: 'Enrolment is open: any device that reaches this page can enrol.',
  token:
    'Enrolment needs the link that led you here. Whoever has it can enrol, so do not publish it.',
  known:
    'Enrolment is for devices that your organisation has listed by serial number. Yours is refused if it is not on the list: then ask your administrator.',
}

function invitationNote({ invitation }: Invited): string {
  const { serial, expiresAt } = invitation
  const whom = serial === '' ? '' : ` for the device with the serial number ${serial}`
  const left = usesLeft({ invitation })
  return `This is an invitation${whom}. It is good for ${left === 1 ? 'one enrolment' : `${left} enrolments`} until ${rfc3339(expiresAt)}.`
}

async function enrollment(
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
      newUuid,
      scepUrl,
      challenge: await challenge(c, PROFILE_VERSION, admission, subject, phase2),
    })
  })
  response.headers.set('content-disposition', 'attachment; filename="enroll.mobileconfig"')
  return response
}

/** A profile that an admin stored brings a topic of its own. */
async function canEnroll(c: EnrollContext): Promise<boolean> {
  return (
    (await pushTopic(c.env, c.var.config)) !== '' ||
    (await storedProfile(c.env.DB, ENROLL_ID)) !== undefined
  )
}

/** The stored profile of that identifier byte for byte, else the one that `make` makes, signed if we can sign. */
async function profile(
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

type SignedInfo =
  | {
      readonly ok: true
      readonly by: 'apple' | 'identity'
      readonly fingerprint: string
      readonly info: MachineInfo
    }
  | { readonly ok: false; readonly status: 400 | 403 | 413; readonly reason: string }

/**
 * What a device says of itself in its POST, signed by someone we know; a stranger's is 400, as is garbage. 403 for a
 * device that is not one of those that may enrol.
 */
async function signedInfo(c: EnrollContext, admission: Admitted): Promise<SignedInfo> {
  const body = await readBody(c.req.raw, MAX_SIGNED_BYTES)
  if (body === undefined) {
    return { ok: false, status: 413, reason: `the body is longer than ${MAX_SIGNED_BYTES} bytes` }
  }
  const signed = openSignedPlist(body)
  if (!signed.ok) {
    return { ...signed, status: 400 }
  }
  const { config } = c.var
  const { appleDeviceCAs } = config.enrollment
  const by = whoSigned(
    signed.signer,
    { apple: appleDeviceCAs, identity: await identityIssuer(c.env, config).anchors() },
    clock.now(),
  )
  if (by.kind === 'stranger') {
    return { ok: false, status: 400, reason: by.reason }
  }
  try {
    const info = readMachineInfo(signed.content)
    const reason = await serialRefusal(c.env.DB, admission, info.serial)
    return reason === undefined
      ? { ok: true, by: by.kind, fingerprint: signed.signer.fingerprint, info }
      : { ok: false, status: 403, reason }
  } catch (error) {
    if (error instanceof PlistError) {
      return { ok: false, status: 400, reason: `what the device says of itself: ${error.message}` }
    }
    throw error
  }
}

type Invited = Pick<Extract<Admitted, { kind: 'invited' }>, 'invitation'>

function usesLeft({ invitation }: Invited): number {
  return invitation.maxUses - invitation.used
}

/** The log says why; what a sender reads of a signature is the same for every fault in it. */
function refuse(c: EnrollContext, status: 400 | 403 | 413 | 503, reason: string): Response {
  warn('enroll:refused', { path: c.req.path, status, reason })
  const text = status === 400 ? 'the body is not signed by a device that may enrol' : reason
  return c.text(`${text}\n`, status, { 'cache-control': 'no-store' })
}

function queryOf(c: EnrollContext): URLSearchParams {
  return new URL(c.req.url).searchParams
}

function newUuid(): string {
  return crypto.randomUUID()
}

function json(value: unknown): Response {
  return new Response(JSON.stringify(value), { headers: { 'content-type': JSON_TYPE } })
}
