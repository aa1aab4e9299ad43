/** Certificates that we issued: recorded before they are handed out, once per request. */
import { eq, type SQL } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { Certificate } from '../pki/x509.ts'
import type { KnownChallenge } from './challenges.ts'
import { certificates, identities } from './schema.ts'

export interface IssuedCertificate {
  readonly fingerprint: string
  /** `keyId` of the authority that issued it. */
  readonly authority: string
  readonly issuedAt: number
  readonly notAfter: number
  readonly der: Uint8Array
}

/** What allows a certificate: a one-time challenge, or an identity whose successor it is, or neither. */
export interface Grounds {
  readonly challenge?: KnownChallenge
  readonly renews?: { readonly fingerprint: string; readonly enrollment: string }
}

/** The enrolment that has claimed a certificate. */
export async function ownerOf(d1: D1Database, fingerprint: string): Promise<string | undefined> {
  const [row] = await drizzle(d1)
    .select({ enrollment: identities.enrollment })
    .from(identities)
    .where(eq(identities.fingerprint, fingerprint))
  return row?.enrollment
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

/**
 * Records a certificate as the answer to a request, uses up its challenge and claims it for the enrolment
 * that it renews, all or nothing. Of several attempts at one request, or with one challenge, the first wins.
 * `instead` names an older answer that the request does not mean any more.
 * @returns what now answers the request: this certificate, one from another attempt, or, when the challenge
 * was used by another request meanwhile, nothing.
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
  const { fingerprint, serial, subjectText, notAfter, der } = certificate
  const { request, authority, now, instead } = facts
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
    ...(challenge ? [useUp(step, challenge, fingerprint)] : []),
    step(
      `INSERT INTO certificates
          (fingerprint, request, authority, serial, subject, issued_at, not_after, der)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
          WHERE ?9 = '' OR EXISTS (SELECT 1 FROM challenges WHERE hash = ?9 AND certificate = ?1)
        ON CONFLICT (request) DO NOTHING`,
      fingerprint,
      request,
      authority,
      serial,
      subjectText,
      now,
      notAfter,
      der,
      challenge?.hash ?? '',
    ),
    ...(renews ? handOver(step, renews, fingerprint) : []),
  ]
  await d1.batch(steps)
  return issuedFor(d1, request)
}

type Step = (
  query: string,
  ...values: readonly (string | number | Uint8Array)[]
) => D1PreparedStatement

/** Plain statements: drizzle has no INSERT … SELECT … ON CONFLICT for a batch. */
function stepsOf(d1: D1Database): Step {
  return (query, ...values) => d1.prepare(query).bind(...values)
}

function useUp(step: Step, challenge: KnownChallenge, fingerprint: string): D1PreparedStatement {
  return step(
    `UPDATE challenges SET certificate = ?, open_until = 0
      WHERE hash = ? AND certificate = ? AND open_until = ?`,
    fingerprint,
    challenge.hash,
    challenge.certificate,
    challenge.openUntil,
  )
}

/** The enrolment's new certificate is claimed for it, and its challenges follow. */
function handOver(
  step: Step,
  renews: { readonly fingerprint: string; readonly enrollment: string },
  fingerprint: string,
): D1PreparedStatement[] {
  const recorded = 'EXISTS (SELECT 1 FROM certificates WHERE fingerprint = ?1)'
  return [
    step(
      `INSERT INTO identities (fingerprint, enrollment) SELECT ?1, ?2 WHERE ${recorded}
        ON CONFLICT DO NOTHING`,
      fingerprint,
      renews.enrollment,
    ),
    step(
      `UPDATE challenges SET certificate = ?1 WHERE certificate = ?2 AND ${recorded}`,
      fingerprint,
      renews.fingerprint,
    ),
  ]
}
