import { clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { DirectoryRow } from '../device/standing/directory-row.ts'
import type { Claim } from '../device/enrolment/identity.ts'
import { authorityAnchors } from '../directory/authorities.ts'
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
import type { SignatureCheck } from '../pki/cms/cms.ts'
import { BACKDATED } from '../pki/x509/authority.ts'
import { DerError } from '../pki/asn1/der.ts'
import { bindingOf, isBound, type Binding } from '../pki/seal/challenge.ts'
import { type Anchor, imported, validatePath } from '../pki/x509/path.ts'
import { readCertificate } from '../pki/x509/certificate.ts'

const SECOND = 1000

export type Signer = Extract<SignatureCheck, { ok: true }>

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
}

/** A certificate whose path to an accepted CA is valid. */
export interface ValidPath extends Pick<Claim, 'caKey' | 'subject' | 'notAfter'> {
  readonly ok: true
  readonly warnings: readonly string[]
  readonly notBefore: number
}
type Checked = ValidPath | Refused

/** A message with a certificate that, as far as known, its device has not used before. */
export interface Unclaimed {
  readonly message: Message
  readonly signer: Signer
  /** The path from its certificate to an accepted CA, where this request has looked for it before. */
  readonly path: ValidPath | undefined
  /** The URL that the device called. */
  readonly url: string
  readonly blocked: boolean
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
  const checked = unclaimed.path ?? check(await acceptedCAs(env.DB, config, 0), signer)
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
    return { ok: false, status: 400, reason: REFUSALS[verdict] }
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

/** Why a certificate of an accepted CA is refused. */
const REFUSALS: Readonly<Record<Exclude<ClaimVerdict, ''>, string>> = {
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
  { message, signer }: Unclaimed,
  { caKey, notBefore, notAfter }: ValidPath,
): ClaimRequest {
  const begins = message.kind === 'checkin' && message.messageType === 'Authenticate'
  const serial = begins ? message.facts.SerialNumber : ''
  return {
    row: firstRow(message, signer.fingerprint, notAfter),
    authority: isOthers(db, config, caKey) ? '' : caKey,
    said: bindingOf({ udid: message.enrollment.device, serial }),
    begins,
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
async function namesakesOf(env: ReachEnv, device: string): Promise<Claim['namesakes']> {
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

/** The age of the list. A new CA is found at once; a removed one has no effect, because a claim checks D1. */
export const AUTHORITIES_FOR = 30_000
const ownCAs = new WeakMap<D1Database, { at: number; anchors: readonly Anchor[] }>()

/** Our own CAs, as they were at most `age` milliseconds ago, and those of `DEVICE_CA`. */
export async function acceptedCAs(db: D1Database, config: Config, age: number): Promise<Anchor[]> {
  let own = ownCAs.get(db)
  if (own === undefined || clock.now() - own.at >= age) {
    if (own !== undefined) {
      // Other requests use the known value during the read.
      ownCAs.set(db, { ...own, at: clock.now() })
    }
    own = { at: clock.now(), anchors: await authorityAnchors(db) }
    ownCAs.set(db, own)
  }
  return withOthers(own.anchors, config)
}

/** The same without D1: our own CAs as this isolate last read them, if it has, however long ago. */
export function lastKnownCAs(db: D1Database, config: Config): Anchor[] {
  return withOthers(ownCAs.get(db)?.anchors ?? [], config)
}

/** Our own CAs stay ours even if `DEVICE_CA` names them too: their certificates have rows with a binding. */
function withOthers(own: readonly Anchor[], { deviceCAs }: Config): Anchor[] {
  const others = deviceCAs.filter(({ keyId }) => !isOneOf(own, keyId))
  return [...own, ...others.map(imported)]
}

/** Whether only `DEVICE_CA` has a CA. One in neither list was removed: D1 then refuses the claim. */
function isOthers(db: D1Database, { deviceCAs }: Config, caKey: string): boolean {
  return (
    !isOneOf(ownCAs.get(db)?.anchors ?? [], caKey) && deviceCAs.some(({ keyId }) => keyId === caKey)
  )
}

function isOneOf(anchors: readonly Anchor[], caKey: string): boolean {
  return anchors.some(({ certificate }) => certificate.keyId === caKey)
}

export function check(cas: readonly Anchor[], signer: Signer): Checked {
  try {
    const leaf = readCertificate(signer.certificate)
    const path = validatePath(leaf, signer.others.map(readCertificate), cas, clock.now())
    if (!path.ok) {
      return { ok: false, status: 400, reason: path.reason }
    }
    const { subject, notBefore, notAfter } = leaf
    const { caKeyId: caKey, warnings } = path
    return { ok: true, caKey, subject, notBefore, notAfter, warnings }
  } catch (error) {
    if (error instanceof DerError) {
      return { ok: false, status: 400, reason: `the certificate cannot be read: ${error.message}` }
    }
    throw error
  }
}

function warnOfWeakness(device: string, signer: Signer, warnings: readonly string[]): void {
  if (warnings.length > 0) {
    const { fingerprint } = signer
    warn('identity:weak', { device, fingerprint, reason: warnings.join('; ') })
  }
}
