import { Hono } from 'hono'
import type { EnrollmentAccess } from '../../config/config.ts'
import { softwareUpdateRequired } from '../../enroll/minimum-os.ts'
import {
  OTA_ID,
  OTA_PHASE2_ID,
  otaPhase2Profile,
  profileServicePayload,
} from '../../enroll/profile.ts'
import { enrollUrls } from '../../enroll/urls.ts'
import { rfc3339 } from '../../events/event.ts'
import { log } from '../../log.ts'
import type { AppEnv } from '../app-env.ts'
import { baseUrl } from '../base-url.ts'
import { admissionOf, type Admitted, NEEDS_A_SERIAL } from './enroll-access.ts'
import { enrollPage, type PageContent } from './enroll-page.ts'
import {
  canEnroll,
  challenge,
  enrollment,
  NO_PUSH_CERTIFICATE,
  namesOf,
  profile,
  queryOf,
  refuse,
  type EnrollContext,
} from './enroll-profile.ts'
import { isShutOut, provenSubject } from '../../identity/proven-subject.ts'
import { signedInfo } from './signed-info.ts'
import { ENROLL, OTA, OTA_PHASE23 } from '../paths.ts'

/** Where a server of Apple Configurator's finds the certificates that its devices have to trust first. */
const ANCHOR_CERTS = '/mdm/anchor-certs'

/** As Apple writes it. */
const JSON_TYPE = 'application/json; charset=UTF8'
const BLOCKED = 'an admin has blocked the device: unblock it first'
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
  c.var.config.enrollment.homepage
    ? enrollPage(await pageContent(c), c.var.config.enrollment.organization)
    : c.notFound(),
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
    log('enroll:ade', {
      serial,
      product,
      os_version: osVersion,
      update_first: required !== undefined,
    })
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
      ? profile(c, OTA_ID, (urls) => profileServicePayload(urls.phase23Url, namesOf(c)))
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
        ...namesOf(c),
        scepUrl: urls.scepUrl,
        challenge: await challenge(c, 0, admission, { udid, serial }),
      }),
    )
  }),
)

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
  const { access, organization } = c.var.config.enrollment
  const note = noteOf(access.mode, organization || 'your organisation')
  switch (admission.kind) {
    case 'invited':
      return { kind: 'ready', url: urls.profile, note: invitationNote(admission) }
    case 'by-serial':
      return { kind: 'ready', url: urls.ota, note }
    case 'open':
      return { kind: 'ready', url: urls.profile, note }
  }
}

function noteOf(mode: EnrollmentAccess['mode'], organization: string): string {
  switch (mode) {
    case 'open':
      return 'Enrolment is open: any device that reaches this page can enrol.'
    case 'token':
      return 'Enrolment needs the link that led you here. Each device that opens it can enrol, so do not publish it.'
    case 'known':
      return `Enrolment is for devices that ${organization} has listed by serial number. Yours is refused if it is not on the list: then ask your administrator.`
  }
}

function invitationNote({ invitation }: Invited): string {
  const { serial, expiresAt } = invitation
  const whom = serial === '' ? '' : ` for the device with the serial number ${serial}`
  const left = usesLeft({ invitation })
  return `This is an invitation${whom}. It is good for ${left === 1 ? 'one enrolment' : `${left} enrolments`} until ${rfc3339(expiresAt)}.`
}

type Invited = Pick<Extract<Admitted, { kind: 'invited' }>, 'invitation'>

function usesLeft({ invitation }: Invited): number {
  return invitation.maxUses - invitation.used
}

function json(value: unknown): Response {
  return new Response(JSON.stringify(value), { headers: { 'content-type': JSON_TYPE } })
}
