import { Buffer } from 'node:buffer'
import type { Config } from '../config/config.ts'
import { takeSerial } from '../directory/authorities.ts'
import {
  type IssuedCertificate,
  issuedAs,
  issuedFor,
  isWithinRate,
} from '../directory/certificates.ts'
import { challengeMode, findChallenge, type FreshChallenge } from '../directory/challenges.ts'
import { ownerOf } from '../directory/identities.ts'
import { findInvitation, invitationState } from '../directory/invitations.ts'
import { type Grounds, recordCertificate } from '../directory/record-certificate.ts'
import type { ReachEnv } from '../device/reach.ts'
import { noteStep } from '../figures/steps.ts'
import { log, warn } from '../log.ts'
import { type Authority, authorityWarning, issueIdentity } from '../pki/x509/authority.ts'
import { randomSerial } from '../pki/x509/issue.ts'
import { readCertificate } from '../pki/x509/certificate.ts'
import { scepRequestId, type ScepRequest } from '../scep/request.ts'
import { isDueForRenewal } from '../scep/renewal.ts'
import { sameSecret } from '../same-secret.ts'

/**
 * `old`: a device requests its next certificate with the challenge of its present one. This is not a
 * renewal, but shows that the device wants one.
 */
export type Issued = { readonly old?: IssuedCertificate } & (
  | { readonly kind: 'issued'; readonly certificate: IssuedCertificate }
  | {
      readonly kind: 'refused'
      readonly reason: string
      /** No key of the ring made the challenge, as far as this isolate knows the ring. */
      readonly isUnknown?: true
    }
)

type Refused = Extract<Issued, { kind: 'refused' }>
type Allowed = ({ readonly kind: 'allowed' } & Grounds) | Refused

/**
 * Issues the certificate of a well-formed request, if an identity or a challenge allows it. The same request
 * gets the same certificate again, because clients repeat a request when its answer is lost. There is one
 * exception: a repeated request that a present identity signed, near the end of the first certificate, gets a
 * new one.
 */
export async function issueFor(
  env: ReachEnv,
  config: Config,
  request: ScepRequest,
  authority: Authority,
  now: number,
): Promise<Issued> {
  const id = scepRequestId(request)
  const earlier = await issuedFor(env.DB, id)
  const owner = await ownerOf(env.DB, request.signer.fingerprint)
  if (earlier && (owner === undefined || !isDueForRenewal(earlier, now))) {
    return { kind: 'issued', certificate: earlier, old: earlier }
  }
  const warning = authorityWarning(authority.certificate, now)
  if (warning !== undefined) {
    warn('ca:expires', { reason: warning })
  }
  if (authority.certificate.notAfter <= now) {
    return refused('the issuing CA has expired')
  }
  const allowed = await allow(env.DB, config, request, owner, now)
  return allowed.kind === 'refused'
    ? allowed
    : issue(env, { id, earlier, allowed, config, request, authority, now })
}

async function issue(
  env: ReachEnv,
  what: {
    readonly id: string
    readonly earlier: IssuedCertificate | undefined
    readonly allowed: Grounds
    readonly config: Config
    readonly request: ScepRequest
    readonly authority: Authority
    readonly now: number
  },
): Promise<Issued> {
  const { id, earlier, allowed, config, request, authority, now } = what
  const { keyId } = authority.certificate
  const serial = serialBytes(await takeSerial(env.DB, keyId))
  const der = issueIdentity(authority, request.csr, serial, now, config.scep.clientValidity)
  const certificate = readCertificate(der)
  const { fingerprint, subject, notAfter } = certificate
  const { renews } = allowed
  // The certificate is bound before it is recorded. If this stops in between, the certificate was never
  // handed out, so no device can use it.
  if (renews) {
    const device = env.DEVICE.getByName(renews.enrollment)
    const claim = { caKey: keyId, subject, notAfter, issuedHere: true }
    const byProfile = allowed.challenge !== undefined
    const previous = renews.fingerprint
    if (!(await device.renewIdentity({ previous, fingerprint, claim, byProfile }))) {
      return refused(
        `${renews.fingerprint} is no present identity of ${renews.enrollment}, ` +
          'or was renewed too often today',
      )
    }
  }
  const recorded = await recordCertificate(
    env.DB,
    certificate,
    { request: id, authority: keyId, now, ...(earlier && { instead: earlier.fingerprint }) },
    allowed,
  )
  if (!recorded) {
    return refused(
      'another request has just used the challenge, its invitation or the last place of this minute, ' +
        'or an admin has revoked it',
    )
  }
  if (!renews) {
    noteStep('certificate_issued', certificate.subjectText)
  }
  log('scep:issued', {
    fingerprint: recorded.fingerprint,
    subject: certificate.subjectText,
    device: renews?.enrollment,
  })
  return { kind: 'issued', certificate: recorded }
}

/**
 * The ground for issuing. A present identity needs no challenge for its renewal. Every other request needs
 * the static challenge or an unused one, whichever key signs it.
 */
async function allow(
  db: D1Database,
  config: Config,
  request: ScepRequest,
  owner: string | undefined,
  now: number,
): Promise<Allowed> {
  const { fingerprint } = request.signer
  if (owner !== undefined) {
    return { kind: 'allowed', renews: { fingerprint, enrollment: owner } }
  }
  const { challengePassword } = request.csr
  const found = await findChallenge(db, config.sealer, challengePassword, now)
  switch (found.kind) {
    case 'unknown':
      return allowStatic(db, config, challengePassword, now)
    case 'over':
      return refused(found.reason)
    case 'spent': {
      const old = await issuedAs(db, found.certificate)
      return { ...refused('the challenge was used'), ...(old && { old }) }
    }
    case 'fresh':
      return allowFresh(db, config, found.challenge, now)
  }
}

async function allowFresh(
  db: D1Database,
  config: Config,
  challenge: FreshChallenge,
  now: number,
): Promise<Allowed> {
  const { renews: fingerprint, counted } = challenge
  if (fingerprint === '') {
    const ended = await endOf(db, challenge.invitation, now)
    if (ended !== undefined) {
      return refused(ended)
    }
    return counted ? allowCounted(db, config, now, { challenge }) : { kind: 'allowed', challenge }
  }
  const enrollment = await ownerOf(db, fingerprint)
  return enrollment === undefined
    ? refused(`the challenge renews ${fingerprint}, which no device ever used`)
    : { kind: 'allowed', challenge, renews: { fingerprint, enrollment } }
}

/** Why an invitation is no longer good for a certificate, though its profile was downloaded in time. */
async function endOf(db: D1Database, id: string, now: number): Promise<string | undefined> {
  if (id === '') {
    return undefined
  }
  const invitation = await findInvitation(db, id)
  const state = invitation ? invitationState(invitation, now) : 'forgotten'
  return state === 'open' ? undefined : `the challenge's invitation is ${state}`
}

async function allowStatic(
  db: D1Database,
  config: Config,
  challenge: string,
  now: number,
): Promise<Allowed> {
  const mode = await challengeMode(db, config.scep)
  if (mode.kind === 'one-time' || !sameSecret(challenge, mode.challenge)) {
    return { ...refused('the challenge is wrong'), isUnknown: true }
  }
  if (mode.because !== undefined) {
    warn('scep:static-challenge', {
      reason:
        'the static challenge gives an identity to anyone who knows it. It is accepted because ' +
        `${mode.because}: set USE_DYNAMIC_CHALLENGE`,
    })
  }
  return allowCounted(db, config, now, {})
}

/** Limits how fast strangers fill the directory. The challenge stays good, and the client retries. */
async function allowCounted(
  db: D1Database,
  { scep: { rate } }: Config,
  now: number,
  grounds: Grounds,
): Promise<Allowed> {
  return (await isWithinRate(db, rate, now))
    ? { kind: 'allowed', ...grounds, rate }
    : refused(
        `${rate} certificates that anyone can get were issued within a minute: ` +
          'close enrolment, or raise SCEP_RATE',
      )
}

/** The imported counter's number, or a random one. */
function serialBytes(counted: number | undefined): Uint8Array {
  if (counted === undefined) {
    return randomSerial()
  }
  const digits = counted.toString(16)
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
}

function refused(reason: string): Refused {
  return { kind: 'refused', reason }
}
