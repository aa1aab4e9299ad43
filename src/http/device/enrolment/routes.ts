import type { EnrollmentAccess } from '../../../config/enrollment.ts'
import { softwareUpdateRequired } from '../../../enroll/minimum-os.ts'
import {
  OTA_ID,
  OTA_PHASE2_ID,
  otaPhase2Profile,
  profileServicePayload,
} from '../../../enroll/profile.ts'
import { enrollUrls } from '../../../enroll/urls.ts'
import { rfc3339 } from '../../../events/event.ts'
import { log } from '../../../log.ts'
import { newApp } from '../../app-env.ts'
import { baseUrl } from '../../host.ts'
import { accessOf, adeAccess, type EnrollAllowed, NEEDS_A_SERIAL } from './access.ts'
import { enrollPage, type PageContent } from './page.ts'
import {
  canEnroll,
  enrollChallenge,
  sendEnrollmentProfile,
  NO_PUSH_CERTIFICATE,
  namesOf,
  sendProfile,
  queryOf,
  refuseEnrollment,
  type EnrollContext,
} from './profile.ts'
import { isDeviceShutOut, provenSubject } from '../../../identity/proven-subject.ts'
import { signedInfo } from './signed-info.ts'
import { ENROLL, OTA, OTA_PHASE23 } from '../../paths.ts'

/** Apple Configurator reads here which certificates its devices must trust first. */
const ANCHOR_CERTS = '/mdm/anchor-certs'

/** As Apple writes it. */
const JSON_TYPE = 'application/json; charset=UTF8'
const BLOCKED = 'an admin has blocked the device: unblock it first'
/** An identity in phase 2, and the one of the enrolment itself in phase 3. */
const OTA_USES = 2
const OTA_USES_TWO =
  'An enrolment over the air needs two uses of an invitation, and this one has fewer left: ask your ' +
  'administrator for an invitation with two uses, or open the link to the page.'

/** The routes of enrolment: MicroMDM's (docs/micromdm.md), the page at `/`, and Apple Configurator's. */
export const enrollFace = newApp()

/**
 * Calls the handler only if the URL allows a profile; otherwise answers 403, or 503 if that may pass. On all
 * other device routes a 403 would make a device remove its profile. Here the device is not enrolled yet.
 */
function admitted(handle: (c: EnrollContext, access: EnrollAllowed) => Promise<Response>) {
  return async (c: EnrollContext): Promise<Response> => {
    const access = await accessOf(c)
    return access.kind === 'refused'
      ? refuseEnrollment(c, access.status, access.reason)
      : handle(c, access)
  }
}

enrollFace.all('/', async (c) =>
  c.var.config.enrollment.homepage
    ? enrollPage(await pageContent(c), c.var.config.enrollment.organization)
    : c.notFound(),
)

enrollFace.get(
  ENROLL,
  admitted(async (c, access) =>
    access.kind === 'by-serial'
      ? refuseEnrollment(c, 403, NEEDS_A_SERIAL)
      : sendEnrollmentProfile(c, access),
  ),
)

/** Automated Device Enrollment: Setup Assistant posts a MachineInfo, signed with its Apple certificate. */
enrollFace.post(
  ENROLL,
  admitted(async (c, access) => {
    const signed = await signedInfo(c, adeAccess(c, access))
    if (!signed.ok) {
      return refuseEnrollment(c, signed.status, signed.reason)
    }
    if (signed.by !== 'apple') {
      return refuseEnrollment(c, 400, 'MachineInfo is signed by no Apple device')
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
    return (await isDeviceShutOut(c.env, udid))
      ? refuseEnrollment(c, 400, BLOCKED)
      : sendEnrollmentProfile(c, access, { udid, serial })
  }),
)

/** Over the air, phase 1: the profile holds only the URL of phases 2 and 3. No serial number is shown yet. */
enrollFace.all(
  OTA,
  admitted(async (c, access) => {
    if (access.kind === 'invited' && usesLeft(access) < OTA_USES) {
      return refuseEnrollment(c, 403, OTA_USES_TWO)
    }
    return (await canEnroll(c))
      ? sendProfile(c, OTA_ID, (urls) => profileServicePayload(urls.phase23Url, namesOf(c)))
      : refuseEnrollment(c, 503, NO_PUSH_CERTIFICATE)
  }),
)

/** Phase 2 is signed with the device's Apple certificate, phase 3 with the identity that phase 2 gave. */
enrollFace.post(
  OTA_PHASE23,
  admitted(async (c, access) => {
    const signed = await signedInfo(c, access)
    if (!signed.ok) {
      return refuseEnrollment(c, signed.status, signed.reason)
    }
    if (signed.by === 'identity') {
      const proven = await provenSubject(c.env, signed.fingerprint, signed.info)
      if (!proven.ok) {
        return refuseEnrollment(c, 400, proven.reason)
      }
      // A serial number counts only if the challenge of the identity was bound to it.
      return access.kind === 'by-serial' && proven.subject.serial === undefined
        ? refuseEnrollment(c, 403, NEEDS_A_SERIAL)
        : sendEnrollmentProfile(c, access, proven.subject, signed.fingerprint)
    }
    const { udid, serial } = signed.info
    if (await isDeviceShutOut(c.env, udid)) {
      return refuseEnrollment(c, 400, BLOCKED)
    }
    return sendProfile(c, OTA_PHASE2_ID, async (urls) =>
      otaPhase2Profile({
        ...namesOf(c),
        scepUrl: urls.scepUrl,
        challenge: await enrollChallenge(c, 0, access, { udid, serial }),
      }),
    )
  }),
)

/**
 * Apple Configurator reads this by the server's host name. It has no token, because anyone may read it: with
 * `ENROLLMENT=token` an admin adds the token to the URL by hand. Apple devices trust the server's public
 * certificate, so there is no trust profile.
 */
enrollFace.get('/MDMServiceConfig', (c) => {
  const base = baseUrl(c)
  return json({ dep_enrollment_url: base + ENROLL, dep_anchor_certs_url: base + ANCHOR_CERTS })
})

/** Apple Configurator reads the list even if it is empty ("Simplifying MDM server administration"). */
enrollFace.get(ANCHOR_CERTS, () => json([]))

async function pageContent(c: EnrollContext): Promise<PageContent> {
  const access = await accessOf(c)
  if (access.kind === 'refused') {
    return { kind: 'problem', text: access.reason }
  }
  if (!(await canEnroll(c))) {
    return { kind: 'problem', text: NO_PUSH_CERTIFICATE }
  }
  const urls = enrollUrls(baseUrl(c), queryOf(c), true)
  const {
    access: { mode },
    organization,
  } = c.var.config.enrollment
  const note = noteOf(mode, organization || 'your organisation')
  switch (access.kind) {
    case 'invited':
      return { kind: 'ready', url: urls.profile, note: invitationNote(access) }
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
      return (
        'Enrolment needs the link that you opened. ' +
        'Each device with this link can enrol, so do not publish it.'
      )
    case 'known':
      return (
        `Enrolment is for devices that ${organization} has listed by serial number. ` +
        'If the server refuses your device, ask your administrator to add it.'
      )
  }
}

function invitationNote({ invitation }: Invited): string {
  const { serial, expiresAt } = invitation
  const whom = serial === '' ? '' : ` for the device with the serial number ${serial}`
  const left = usesLeft({ invitation })
  const uses = left === 1 ? 'one enrolment' : `${left} enrolments`
  return `This is an invitation${whom}. It is valid for ${uses} until ${rfc3339(expiresAt)}.`
}

type Invited = Pick<Extract<EnrollAllowed, { kind: 'invited' }>, 'invitation'>

function usesLeft({ invitation }: Invited): number {
  return invitation.maxUses - invitation.used
}

function json(value: unknown): Response {
  return new Response(JSON.stringify(value), { headers: { 'content-type': JSON_TYPE } })
}
