import { clock } from '../../clock.ts'
import type { Config } from '../../config.ts'
import type { DirectoryRow } from '../../device/directory-row.ts'
import type { Claim } from '../../device/identity.ts'
import { authorityAnchors } from '../../directory/authorities.ts'
import { claimIdentity } from '../../directory/directory.ts'
import { liveClaims, type ReachEnv } from '../../directory/reach.ts'
import { claimsOf } from '../../directory/users.ts'
import type { InstalledProfile } from '../../enroll/installed-profile.ts'
import { reasonOf, warn } from '../../log.ts'
import { deviceTypeOf, enrollmentId } from '../../mdm/enrollment.ts'
import { NO_FACTS, type Message } from '../../mdm/message.ts'
import type { SignatureCheck } from '../../pki/cms.ts'
import { DerError } from '../../pki/der.ts'
import { type Anchor, imported, validatePath } from '../../pki/path.ts'
import { readCertificate } from '../../pki/x509.ts'

export type Signer = Extract<SignatureCheck, { ok: true }>

export type Claimed =
  | {
      readonly ok: true
      readonly claim: Claim
      /** The enrolment profile that the certificate came with, if it was made here. */
      readonly profile?: InstalledProfile | undefined
    }
  | Refused

/** 401 is for a blocked device alone, which is not to be listed by what it sends. */
interface Refused {
  readonly ok: false
  readonly status: 400 | 401 | 503
  readonly reason: string
  /** Another enrolment, which the certificate belongs to. */
  readonly owner?: string | undefined
}

type Checked =
  | { readonly ok: true; readonly claim: Claim; readonly warnings: readonly string[] }
  | Refused

/**
 * A certificate that its device does not know yet: it must descend from an accepted CA, and D1 must give it to
 * this device and no other. That is the one time in its life that D1 is asked (design.md 2); without D1 only
 * new certificates get 503.
 */
export async function claim(
  env: ReachEnv,
  config: Config,
  message: Message,
  signer: Signer,
  blocked: boolean,
): Promise<Claimed> {
  const { device } = message.enrollment
  let checked: Checked
  let claimed: Awaited<ReturnType<typeof claimIdentity>>
  let namesakes: Awaited<ReturnType<typeof liveClaims>>
  try {
    checked = check(await acceptedCAs(env.DB, config, AUTHORITIES_FOR), signer)
    if (!checked.ok) {
      checked = check(await acceptedCAs(env.DB, config, 0), signer)
    }
    if (!checked.ok) {
      return checked
    }
    if (blocked) {
      return { ok: false, status: 401, reason: 'blocked' }
    }
    const { caKey } = checked.claim
    const authority = config.deviceCAs.some(({ keyId }) => keyId === caKey) ? '' : caKey
    const row = firstRow(message, signer.fingerprint, checked.claim.notAfter)
    claimed = await claimIdentity(env.DB, row, authority)
    namesakes = claimed.isUsers ? await namesakesOf(env, device) : []
  } catch (error) {
    warn('directory:unavailable', { reason: reasonOf(error) })
    return {
      ok: false,
      status: 503,
      reason:
        'the directory is not available: is D1 migrated (`wrangler d1 migrations apply DB --remote`)?',
    }
  }
  const { owner, profile } = claimed
  if (owner === device) {
    const called = {
      ids: namesakes.map(({ id, device: other }) => enrollmentId(other, id)),
      used: namesakes.some(({ used }) => used),
    }
    const found = { ...checked.claim, namesakes: called.ids.length > 0 ? called : undefined }
    warnOfWeakness(device, signer, checked.warnings)
    return { ok: true, claim: found, profile }
  }
  const reason =
    owner === undefined
      ? 'the CA that issued the certificate is accepted no more'
      : `the certificate belongs to the enrolment ${owner}`
  return { ok: false, status: 400, reason, owner }
}

/** Users of other devices that are called like the device. */
async function namesakesOf(env: ReachEnv, device: string): ReturnType<typeof liveClaims> {
  const { claims } = await claimsOf(env.DB, device)
  return liveClaims(
    env,
    claims.filter((called) => called.device !== device),
  )
}

/** A CA that was added meanwhile is looked for at once, and one that was removed has no part in the claim. */
export const AUTHORITIES_FOR = 30_000
const known = new WeakMap<D1Database, { at: number; anchors: readonly Anchor[] }>()

/** Our own CAs, as they were at most `age` milliseconds ago, and those of `DEVICE_CA`. */
export async function acceptedCAs(db: D1Database, config: Config, age: number): Promise<Anchor[]> {
  let own = known.get(db)
  if (own === undefined || clock.now() - own.at >= age) {
    if (own !== undefined) {
      // Until it is read, others use what is known.
      known.set(db, { ...own, at: clock.now() })
    }
    own = { at: clock.now(), anchors: await authorityAnchors(db) }
    known.set(db, own)
  }
  return [...config.deviceCAs.map(imported), ...own.anchors]
}

export function check(cas: readonly Anchor[], signer: Signer): Checked {
  try {
    const leaf = readCertificate(signer.certificate)
    const path = validatePath(leaf, signer.others.map(readCertificate), cas, clock.now())
    if (!path.ok) {
      return { ok: false, status: 400, reason: path.reason }
    }
    const { subject, notAfter } = leaf
    const { caKeyId: caKey, warnings } = path
    return { ok: true, claim: { caKey, subject, notAfter }, warnings }
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

/** What the directory lists of a device from its first message on; version 0, so that any projection is newer. */
function firstRow(message: Message, identity: string, identityNotAfter: number): DirectoryRow {
  const { enrollment } = message
  const authenticates = message.kind === 'checkin' && message.messageType === 'Authenticate'
  return {
    id: enrollment.device,
    type: deviceTypeOf(enrollment),
    enrolled: !authenticates,
    hidden: false,
    claimedAt: clock.now(),
    serialProven: false,
    lastSeen: clock.now(),
    facts: authenticates ? message.facts : NO_FACTS,
    identity,
    identityNotAfter,
    renewal: { state: '', reason: '', at: 0 },
    state: 'unknown',
    push: 'none',
    version: 0,
  }
}
