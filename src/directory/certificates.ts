/** Certificates that the server issued. Each is recorded before it is handed out, once per request. */
import { eq, type SQL } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { Certificate } from '../pki/x509/certificate.ts'
import type { Binding } from '../pki/seal/challenge.ts'
import { type FreshChallenge, CHALLENGES_REVOKED } from './challenges.ts'
import { isOpenAt } from './invitations.ts'
import { authorities, certificates, identities } from './schema.ts'

export interface IssuedCertificate {
  readonly fingerprint: string
  /** `keyId` of the authority that issued it. */
  readonly authority: string
  readonly issuedAt: number
  readonly notAfter: number
  readonly der: Uint8Array
}

/** The ground for a certificate: a one-time challenge, or the identity that it renews, or neither. */
export interface Grounds {
  readonly challenge?: FreshChallenge
  readonly renews?: { readonly fingerprint: string; readonly enrollment: string }
  /** The limit per minute of certificates like it, for a challenge that anyone can get. */
  readonly rate?: number
}

/** Facts about a certificate that its device does not know. */
export interface CertificateFacts {
  /** The enrolment that has claimed it. */
  readonly owner: string | undefined
  /**
   * The device that its challenge was bound to, and the version of the profile with it; undefined where
   * another server issued it.
   */
  readonly issued: { readonly binding: Binding; readonly profile: number } | undefined
  /**
   * Since when this server records the certificates of its CA: always, or since the CA was imported
   * (milliseconds). A later certificate without a row was forgotten. Undefined for a CA that issues nothing
   * here.
   */
  readonly recordedSince: number | undefined
}

/** How long a certificate is kept that no device has used. */
const UNUSED_FOR = 7 * 86_400_000
/** A daily round leaves at most this many unused certificates of challenges that anyone can get. */
export const MOST_UNUSED = 20_000
const MINUTE = 60_000
/** How many certificates one step judges, and how many steps a round has. */
const BATCH = 5000
const BATCHES = 20

/** The enrolment that has claimed a certificate. */
export async function ownerOf(d1: D1Database, fingerprint: string): Promise<string | undefined> {
  const [row] = await drizzle(d1)
    .select({ enrollment: identities.enrollment })
    .from(identities)
    .where(eq(identities.fingerprint, fingerprint))
  return row?.enrollment
}

/** `authority` is the `key_id` of its CA. */
export async function certificateFacts(
  d1: D1Database,
  fingerprint: string,
  authority: string,
): Promise<CertificateFacts> {
  const db = drizzle(d1)
  const { profile, boundUdid: udid, boundSerial: serial } = certificates
  const [[owned], [issued], [ca]] = await db.batch([
    db
      .select({ enrollment: identities.enrollment })
      .from(identities)
      .where(eq(identities.fingerprint, fingerprint)),
    db
      .select({ profile, udid, serial })
      .from(certificates)
      .where(eq(certificates.fingerprint, fingerprint)),
    db
      .select({ imported: authorities.imported, addedAt: authorities.addedAt })
      .from(authorities)
      .where(eq(authorities.keyId, authority)),
  ])
  return {
    owner: owned?.enrollment,
    issued: issued && {
      profile: issued.profile,
      binding: { udid: issued.udid, serial: issued.serial },
    },
    recordedSince: ca && (ca.imported ? ca.addedAt : 0),
  }
}

/** The certificate that answered a request. */
export async function issuedFor(
  d1: D1Database,
  request: string,
): Promise<IssuedCertificate | undefined> {
  return one(d1, eq(certificates.request, request))
}

/** A certificate of ours by its fingerprint. */
export async function issuedAs(
  d1: D1Database,
  fingerprint: string,
): Promise<IssuedCertificate | undefined> {
  return one(d1, eq(certificates.fingerprint, fingerprint))
}

async function one(d1: D1Database, which: SQL): Promise<IssuedCertificate | undefined> {
  const { fingerprint, authority, issuedAt, notAfter, der } = certificates
  const [row] = await drizzle(d1)
    .select({ fingerprint, authority, issuedAt, notAfter, der })
    .from(certificates)
    .where(which)
  return row && { ...row, der: new Uint8Array(row.der) }
}

/** Whether another certificate may be issued now for a challenge that anyone can get. */
export async function isWithinRate(d1: D1Database, rate: number, now: number): Promise<boolean> {
  const row = await d1
    .prepare('SELECT count(*) AS n FROM certificates WHERE counted = 1 AND issued_at > ?')
    .bind(now - MINUTE)
    .first<{ n: number }>()
  return (row?.n ?? 0) < rate
}

/**
 * Records a certificate as the answer to a request, consumes its challenge and claims it for the enrolment
 * that it renews, all or nothing. Of several attempts at one request, or with one challenge, the first
 * wins. `instead` names an older answer that the request no longer means.
 *
 * @returns the certificate that now answers the request: this one, or one from another attempt. Nothing
 * when the challenge was used by another request or revoked meanwhile, its invitation has ended, or the
 * limit is reached
 */
export async function recordCertificate(
  d1: D1Database,
  certificate: Certificate,
  facts: {
    readonly request: string
    readonly authority: string
    readonly now: number
    readonly instead?: string
  },
  grounds: Grounds,
): Promise<IssuedCertificate | undefined> {
  const { fingerprint } = certificate
  const { request, instead } = facts
  const { challenge, renews } = grounds
  const step = stepsOf(d1)
  const steps = [
    ...(instead === undefined
      ? []
      : [
          step(
            'UPDATE certificates SET request = NULL WHERE request = ? AND fingerprint = ?',
            request,
            instead,
          ),
        ]),
    insertion(step, certificate, facts, grounds),
    // Before its row, which names the invitation, is deleted.
    ...(challenge?.invitation
      ? [
          step(
            `UPDATE invitations SET used = used + 1 WHERE id = ?2 AND ${RECORDED}
              AND EXISTS (SELECT 1 FROM challenges WHERE hash = ?3)`,
            fingerprint,
            challenge.invitation,
            challenge.hash,
          ),
        ]
      : []),
    ...(challenge?.isRow
      ? [
          step(
            `DELETE FROM challenges WHERE hash = ?2 AND ${RECORDED}`,
            fingerprint,
            challenge.hash,
          ),
        ]
      : []),
    // The enrolment's new certificate is claimed for it.
    ...(renews
      ? [
          step(
            `INSERT INTO identities (fingerprint, enrollment) SELECT ?1, ?2 WHERE ${RECORDED}
              ON CONFLICT DO NOTHING`,
            fingerprint,
            renews.enrollment,
          ),
        ]
      : []),
  ]
  await d1.batch(steps)
  return issuedFor(d1, request)
}

const RECORDED = 'EXISTS (SELECT 1 FROM certificates WHERE fingerprint = ?1)'

const NO_CHALLENGE = {
  hash: null,
  profile: 0,
  binding: { udid: '', serial: '' },
  isRow: false,
  issuedAt: Number.MAX_SAFE_INTEGER,
  expiresAt: 0,
  invitation: '',
}

type Step = (
  query: string,
  ...values: readonly (string | number | Uint8Array | null)[]
) => D1PreparedStatement

/** Plain statements: drizzle has no INSERT … SELECT … ON CONFLICT for a batch. */
function stepsOf(d1: D1Database): Step {
  return (query, ...values) => d1.prepare(query).bind(...values)
}

/**
 * A successor stays bound to the device of its predecessor. The row is kept until its challenge is too old,
 * so that the challenge stays consumed even if no device uses the certificate.
 */
function insertion(
  step: Step,
  certificate: Certificate,
  { request, authority, now }: { request: string; authority: string; now: number },
  { challenge, renews, rate }: Grounds,
): D1PreparedStatement {
  const { fingerprint, serial, subjectText, notAfter, der } = certificate
  const { hash, profile, binding, isRow, issuedAt, expiresAt, invitation } =
    challenge ?? NO_CHALLENGE
  return step(
    `INSERT INTO certificates (fingerprint, request, authority, serial, subject, issued_at, not_after, der,
        challenge, profile, bound_udid, bound_serial, counted, kept_until)
      SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
          coalesce((SELECT bound_udid FROM certificates WHERE fingerprint = ?13), ?11),
          coalesce((SELECT bound_serial FROM certificates WHERE fingerprint = ?13), ?12),
          ?14 IS NOT NULL,
          ?15
        WHERE (?9 IS NULL OR NOT EXISTS (SELECT 1 FROM certificates WHERE challenge = ?9))
          AND iif(?16, EXISTS (SELECT 1 FROM challenges WHERE hash = ?9),
            NOT EXISTS (SELECT 1 FROM moments WHERE name = '${CHALLENGES_REVOKED}' AND at >= ?19))
          AND (?18 = '' OR EXISTS (SELECT 1 FROM invitations WHERE id = ?18 AND ${isOpenAt('?6')}))
          AND (?14 IS NULL OR (SELECT count(*) FROM certificates WHERE counted = 1 AND issued_at > ?17) < ?14)
      ON CONFLICT (request) DO NOTHING`,
    fingerprint,
    request,
    authority,
    serial,
    subjectText,
    now,
    notAfter,
    der,
    hash,
    profile,
    binding.udid,
    binding.serial,
    renews?.fingerprint ?? '',
    rate ?? null,
    Math.max(now + UNUSED_FOR, isRow ? 0 : expiresAt),
    Number(isRow),
    now - MINUTE,
    invitation,
    issuedAt,
  )
}

/**
 * For the daily round: deletes certificates that no device has used, and that no device may use any more.
 * These are the ones that are too old, and the oldest of those for challenges that anyone can get, if there
 * are more than `most`.
 */
export async function forgetUnused(d1: D1Database, now: number, most = MOST_UNUSED): Promise<void> {
  const due =
    'fingerprint IN (SELECT fingerprint FROM certificates' +
    ' WHERE kept_until > 0 AND kept_until <= ?1 ORDER BY kept_until LIMIT ?2)'
  const isUsed =
    'EXISTS (SELECT 1 FROM identities WHERE identities.fingerprint = certificates.fingerprint)'
  const step = stepsOf(d1)
  for (let n = 0; n < BATCHES; n++) {
    const results = await d1.batch([
      step(
        `UPDATE certificates SET kept_until = 0, counted = 0 WHERE ${due} AND ${isUsed}`,
        now,
        BATCH,
      ),
      step(`DELETE FROM certificates WHERE ${due} AND NOT ${isUsed}`, now, BATCH),
      step(
        `DELETE FROM certificates WHERE fingerprint IN (SELECT fingerprint FROM certificates
          WHERE counted = 1 AND NOT ${isUsed} ORDER BY issued_at DESC LIMIT ?2 OFFSET ?1)`,
        most,
        BATCH,
      ),
    ])
    if (results.every(({ meta }) => meta.changes === 0)) {
      return
    }
  }
}
