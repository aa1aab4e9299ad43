import { Buffer } from 'node:buffer'
import type { Config } from '../../config.ts'
import { takeSerial } from '../../directory/authorities.ts'
import {
  type Grounds,
  type IssuedCertificate,
  issuedAs,
  issuedFor,
  ownerOf,
  recordCertificate,
} from '../../directory/certificates.ts'
import { challengeMode, findChallenge } from '../../directory/challenges.ts'
import type { Env } from '../../env.ts'
import { log, warn } from '../../log.ts'
import { type Authority, expiryWarning, issueIdentity } from '../../pki/authority.ts'
import { randomSerial } from '../../pki/issue.ts'
import { readCertificate } from '../../pki/x509.ts'
import { isSignedWithOwnKey, requestId, type ScepRequest } from '../../scep/request.ts'
import { isDueForRenewal } from '../../scep/renewal.ts'
import { sameSecret } from '../same-secret.ts'

export type Issued =
  | { readonly kind: 'issued'; readonly certificate: IssuedCertificate }
  | { readonly kind: 'refused'; readonly reason: string }

type Allowed = ({ readonly kind: 'allowed' } & Grounds) | Extract<Issued, { kind: 'refused' }>

/**
 * Issues what a well-made request asks for, if an identity or a challenge stands for it. The same request again
 * gets the same certificate: clients repeat theirs when an answer is lost.
 */
export async function issueFor(
  env: Env,
  config: Config,
  request: ScepRequest,
  authority: Authority,
  now: number,
): Promise<Issued> {
  const id = requestId(request)
  const earlier = await issuedFor(env.DB, id)
  if (earlier && !isDueForRenewal(earlier, now)) {
    return { kind: 'issued', certificate: earlier }
  }
  const warning = expiryWarning(authority.certificate, now)
  if (warning !== undefined) {
    warn('ca:expiry', { reason: warning })
  }
  if (authority.certificate.notAfter <= now) {
    return refused('the issuing CA has expired')
  }
  const allowed = await allow(env.DB, config, request, now)
  return allowed.kind === 'refused'
    ? allowed
    : issue(env, { id, earlier, allowed, config, request, authority, now })
}

async function issue(
  env: Env,
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
  // Bound first: one that a crash or a rival attempt leaves behind was never handed out, so nobody can use it.
  if (renews) {
    const device = env.DEVICE.getByName(renews.enrollment)
    const claim = { caKey: keyId, subject, notAfter }
    const byProfile = allowed.challenge !== undefined && allowed.challenge.openUntil > now
    const previous = renews.fingerprint
    if (!(await device.renewIdentity({ previous, fingerprint, claim, byProfile }))) {
      return refused(`${renews.fingerprint} is no present identity of ${renews.enrollment}`)
    }
  }
  const recorded = await recordCertificate(
    env.DB,
    certificate,
    { request: id, authority: keyId, now, ...(earlier && { instead: earlier.fingerprint }) },
    allowed,
  )
  if (!recorded) {
    return refused('the challenge was used by another request just now')
  }
  log('scep:issued', {
    fingerprint: recorded.fingerprint,
    subject: certificate.subjectText,
    device: renews?.enrollment,
  })
  return { kind: 'issued', certificate: recorded }
}

/**
 * A present identity needs no challenge for its renewal. Everybody else has one, whatever the request is signed with:
 * the static one, one that is still open, or, as macOS renews, the one that its certificate came from, once that is
 * near its end. That last one takes a signature with the key that is to be certified.
 */
async function allow(
  db: D1Database,
  config: Config,
  request: ScepRequest,
  now: number,
): Promise<Allowed> {
  const { fingerprint } = request.signer
  const owner = await ownerOf(db, fingerprint)
  if (owner !== undefined) {
    return { kind: 'allowed', renews: { fingerprint, enrollment: owner } }
  }
  const { challengePassword } = request.csr
  const challenge =
    challengePassword === '' ? undefined : await findChallenge(db, challengePassword)
  if (challenge === undefined) {
    return allowStatic(db, config, challengePassword)
  }
  const { certificate, openUntil } = challenge
  if (openUntil <= now) {
    const last = certificate === '' ? undefined : await issuedAs(db, certificate)
    if (!last || !isDueForRenewal(last, now) || !isSignedWithOwnKey(request)) {
      return refused(certificate === '' ? 'the challenge is too old' : 'the challenge was used')
    }
  }
  if (certificate === '') {
    return { kind: 'allowed', challenge }
  }
  const enrollment = await ownerOf(db, certificate)
  return enrollment === undefined
    ? refused(`the challenge renews ${certificate}, which no device ever used`)
    : { kind: 'allowed', challenge, renews: { fingerprint: certificate, enrollment } }
}

async function allowStatic(db: D1Database, config: Config, challenge: string): Promise<Allowed> {
  const mode = await challengeMode(db, config.scep)
  if (mode.kind === 'one-time' || !sameSecret(challenge, mode.challenge)) {
    return refused('the challenge is wrong')
  }
  if (mode.because !== undefined) {
    warn('scep:static-challenge', {
      reason: `everyone may have an identity who knows the static challenge, accepted because ${mode.because}: set USE_DYNAMIC_CHALLENGE`,
    })
  }
  return { kind: 'allowed' }
}

/** The imported counter's number, or a random one. */
function serialBytes(counted: number | undefined): Uint8Array {
  if (counted === undefined) {
    return randomSerial()
  }
  const digits = counted.toString(16)
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
}

function refused(reason: string): Extract<Issued, { kind: 'refused' }> {
  return { kind: 'refused', reason }
}
