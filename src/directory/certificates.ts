/** Certificates that we issued: recorded before they are handed out, once per request. */
import { Buffer } from 'node:buffer'
import { eq, sql, type SQL } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { Certificate } from '../pki/x509.ts'
import type { KnownChallenge } from './challenges.ts'
import { certificates, identities } from './schema.ts'

export interface IssuedCertificate {
  readonly fingerprint: string
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
  const { fingerprint, issuedAt, notAfter, der } = certificates
  const [row] = await drizzle(d1)
    .select({ fingerprint, issuedAt, notAfter, der })
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
  const db = drizzle(d1)
  const { fingerprint, serial, subjectText, notAfter, der } = certificate
  const { challenge, renews } = grounds
  const steps: SQL[] = []
  if (facts.instead !== undefined) {
    steps.push(sql`UPDATE certificates SET request = NULL
      WHERE request = ${facts.request} AND fingerprint = ${facts.instead}`)
  }
  if (challenge) {
    steps.push(sql`UPDATE challenges SET certificate = ${fingerprint}, open_until = 0
      WHERE hash = ${challenge.hash} AND certificate = ${challenge.certificate}
        AND open_until = ${challenge.openUntil}`)
  }
  const allowed = challenge
    ? sql`EXISTS (SELECT 1 FROM challenges
        WHERE hash = ${challenge.hash} AND certificate = ${fingerprint})`
    : sql`true`
  steps.push(sql`INSERT INTO certificates
      (fingerprint, request, authority, serial, subject, issued_at, not_after, der)
    SELECT ${fingerprint}, ${facts.request}, ${facts.authority}, ${serial}, ${subjectText}, ${facts.now},
      ${notAfter}, ${Buffer.from(der)} WHERE ${allowed} ON CONFLICT (request) DO NOTHING`)
  if (renews) {
    const recorded = sql`EXISTS (SELECT 1 FROM certificates WHERE fingerprint = ${fingerprint})`
    steps.push(
      sql`INSERT INTO identities (fingerprint, enrollment)
        SELECT ${fingerprint}, ${renews.enrollment} WHERE ${recorded} ON CONFLICT DO NOTHING`,
      // Challenges follow the enrolment from certificate to certificate.
      sql`UPDATE challenges SET certificate = ${fingerprint}
        WHERE certificate = ${renews.fingerprint} AND ${recorded}`,
    )
  }
  const [first, ...others] = steps.map((step) => db.run(step))
  if (first) {
    await db.batch([first, ...others])
  }
  return issuedFor(d1, facts.request)
}
