import { clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { DirectoryRow } from '../device/standing/directory-row.ts'
import type { Claim } from '../device/enrolment/identity.ts'
import type { MovedStanding } from '../device/enrolment/message.ts'
import type { CertificateFacts } from '../directory/certificate-facts.ts'
import { claimIdentity, type ClaimRequest, type ClaimVerdict } from '../directory/devices/claim.ts'
import { NO_RENEWAL } from '../device/store/installed.ts'
import { liveClaims, type ReachEnv } from '../device/reach.ts'
import { claimsOf } from '../directory/devices/users.ts'
import { type InstalledProfile, rebuiltProfile } from '../enroll/installed-profile.ts'
import { reasonOf } from '../reason.ts'
import { warn } from '../log.ts'
import { deviceTypeOf, enrollmentId } from '../mdm/enrollment.ts'
import { NO_FACTS, type Message } from '../mdm/message.ts'
import { BACKDATED } from '../pki/x509/authority.ts'
import { bindingOf, isBound, type Binding } from '../pki/seal/challenge.ts'
import type { Anchor } from '../pki/x509/path.ts'
import { acceptedCAs, check, isOthers, type Signer, type ValidPath } from './accepted-cas.ts'

const SECOND = 1000

export type Claimed =
  | {
      readonly ok: true
      readonly claim: Claim
      /** The enrolment profile that the certificate came with, if this server made it. */
      readonly profile?: InstalledProfile | undefined
    }
  | Refused

/** 401 is only for a blocked device, which must not be listed by its own messages. */
interface Refused {
  readonly ok: false
  readonly status: 400 | 401 | 503
  readonly reason: string
  /** Another enrolment, the owner of the certificate. */
  readonly owner?: string | undefined
  /** The directory has answered: the device has to come again all the same. */
  readonly isMoving?: boolean
}

/** A message with a certificate that, as far as known, its device has not used before. */
export interface Unclaimed {
  readonly message: Message
  readonly signer: Signer
  /** The path from its certificate to an accepted CA, where this request has looked for it before. */
  readonly path: ValidPath | undefined
  /** The URL that the device called. */
  readonly url: string
  readonly blocked: boolean
  /** Another server had bound it, or the device came from there without one. */
  readonly moved: MovedStanding | undefined
}

/**
 * Claims a certificate that its device does not know yet. It must descend from an accepted CA, and D1 must
 * give it to this device only. Only this step reads D1 about a certificate: without D1, only new certificates
 * get 503.
 */
export async function claim(
  env: ReachEnv,
  config: Config,
  unclaimed: Unclaimed,
  background: (work: Promise<unknown>) => void,
): Promise<Claimed> {
  try {
    return await claimFor(env, config, unclaimed, background)
  } catch (error) {
    warn('directory:unavailable', { reason: reasonOf(error) })
    return {
      ok: false,
      status: 503,
      reason:
        'the directory is not available: is D1 migrated (`wrangler d1 migrations apply DB --remote`)?',
    }
  }
}

async function claimFor(
  env: ReachEnv,
  config: Config,
  unclaimed: Unclaimed,
  background: (work: Promise<unknown>) => void,
): Promise<Claimed> {
  const { message, signer, blocked } = unclaimed
  const { device } = message.enrollment
  const anchors = await anchorsFor(env.DB, config, unclaimed)
  const checked = unclaimed.path ?? check(anchors, signer)
  if (!checked.ok) {
    return checked
  }
  if (blocked) {
    return { ok: false, status: 401, reason: 'blocked' }
  }
  const { caKey, subject, notAfter } = checked
  const request = requestOf(env.DB, config, unclaimed, checked)
  const outcome = await claimIdentity(env.DB, request, background)
  const { verdict, owner, isUsers, issued, isListed } = outcome
  if (verdict !== '') {
    const isMoving = verdict === 'moving'
    return { ok: false, status: isMoving ? 503 : 400, reason: REFUSALS[verdict], isMoving }
  }
  if (owner !== device) {
    return {
      ok: false,
      status: 400,
      reason: `the certificate belongs to the enrolment ${owner}`,
      owner,
    }
  }
  warnOfWeakness(device, signer, checked.warnings)
  const namesakes = isUsers ? await namesakesOf(env, device) : undefined
  return {
    ok: true,
    claim: { caKey, subject, notAfter, ...provenance(issued, request.said), namesakes, isListed },
    profile: profileOf(issued, config, unclaimed),
  }
}

/** A certificate that another server had bound may have expired: its device goes on, as there. */
async function anchorsFor(
  db: D1Database,
  config: Config,
  { moved }: Unclaimed,
): Promise<readonly Anchor[]> {
  const anchors = await acceptedCAs(db, config, 0)
  return moved === 'unchecked' ? anchors.map((anchor) => ({ ...anchor, row: 'moved' })) : anchors
}

/** Why a certificate of an accepted CA is refused. */
const REFUSALS: Readonly<Record<Exclude<ClaimVerdict, ''>, string>> = {
  moving: 'its records are on their way from another server',
  udid: 'the certificate was issued for another UDID',
  serial: 'the certificate was issued for another serial number',
  unbegun:
    'this server issued the certificate, and no enrolment began with it: ' +
    'the device has to send Authenticate first',
  forgotten:
    'its CA issued no such certificate here, or no device used it within 7 days: ' +
    'the device has to enrol again',
  late:
    'it is later than the import of its CA, and another server issued it (then import the CA again), ' +
    'or no device used it within 7 days: the device has to enrol again',
  removed: 'the CA that issued the certificate is accepted no more',
}

function requestOf(
  db: D1Database,
  config: Config,
  { message, signer, moved }: Unclaimed,
  { caKey, notBefore, notAfter }: ValidPath,
): ClaimRequest {
  const begins = message.kind === 'checkin' && message.messageType === 'Authenticate'
  const serial = begins ? message.facts.SerialNumber : ''
  return {
    row: firstRow(message, signer.fingerprint, notAfter),
    authority: isOthers(db, config, caKey) ? '' : caKey,
    said: bindingOf({ udid: message.enrollment.device, serial }),
    begins,
    isUnproven: moved === 'unproven',
    mayAdopt: begins || config.device.udidCertAuthWarnOnly,
    // Certificates hold whole seconds.
    issuedBy: notBefore + BACKDATED + SECOND,
  }
}

/** The directory's row of a new device. Any row of its object is newer than version 0. */
function firstRow(message: Message, identity: string, identityNotAfter: number): DirectoryRow {
  const { enrollment } = message
  const authenticates = message.kind === 'checkin' && message.messageType === 'Authenticate'
  const now = clock.now()
  return {
    id: enrollment.device,
    type: deviceTypeOf(enrollment),
    enrolled: !authenticates,
    hidden: false,
    claimedAt: now,
    serialProven: false,
    lastSeen: now,
    facts: authenticates ? message.facts : NO_FACTS,
    identity,
    identityNotAfter,
    renewal: NO_RENEWAL,
    state: authenticates ? 'authenticated' : 'enrolled',
    push: 'none',
    version: 0,
  }
}

/** The origin of a certificate, and the part of its binding that its message repeats. */
function provenance(
  issued: CertificateFacts['issued'],
  said: Binding,
): Pick<Claim, 'issuedHere' | 'bound'> {
  if (!issued) {
    return { issuedHere: false }
  }
  const { udid, serial } = issued.binding
  const bound = isBound(issued.binding)
    ? { udid: udid !== '' && udid === said.udid, serial: serial !== '' && serial === said.serial }
    : undefined
  return { issuedHere: true, bound }
}

/** The enrolment profile that a certificate came with, if this server made it. */
function profileOf(
  issued: CertificateFacts['issued'],
  config: Config,
  { message, url }: Unclaimed,
): InstalledProfile | undefined {
  const topic = message.kind === 'checkin' && 'topic' in message ? message.topic : ''
  const base = config.publicUrl || new URL(url).origin
  return issued && rebuiltProfile(issued.profile, { base, calledUrl: url, topic })
}

/** Users of other devices that have the device's id, if there are any. */
export async function namesakesOf(env: ReachEnv, device: string): Promise<Claim['namesakes']> {
  const { claims } = await claimsOf(env.DB, device)
  const live = await liveClaims(
    env,
    claims.filter((called) => called.device !== device),
  )
  return live.length === 0
    ? undefined
    : {
        ids: live.map(({ id, device: other }) => enrollmentId(other, id)),
        used: live.some(({ used }) => used),
      }
}

function warnOfWeakness(device: string, signer: Signer, warnings: readonly string[]): void {
  if (warnings.length > 0) {
    const { fingerprint } = signer
    warn('identity:weak', { device, fingerprint, reason: warnings.join('; ') })
  }
}
