import type { Certificate } from '../pki/x509/certificate.ts'
import {
  insertQuery,
  isRecorded,
  type IssuedCertificate,
  issuedFor,
  type NewRow,
  releaseQuery,
} from './certificates.ts'
import { consumeQuery, type FreshChallenge, isStillGood } from './challenges.ts'
import { claimQuery } from './identities.ts'
import { countUseQuery, isOpenInvitation } from './invitations.ts'
import { type Sql, sql, writeAll } from './sql.ts'

/** The ground for a certificate: a one-time challenge, or the identity that it renews, or neither. */
export interface Grounds {
  readonly challenge?: FreshChallenge
  readonly renews?: { readonly fingerprint: string; readonly enrollment: string }
  /** The limit per minute of certificates like it, for a challenge that anyone can get. */
  readonly rate?: number
}

/**
 * Records a certificate as the answer to a request, consumes its challenge, and claims it for the enrolment
 * that it renews, all or nothing. If several attempts have the same request or challenge, the first one wins.
 * `instead` is an older answer that no longer counts.
 *
 * @returns the certificate that answers the request now: this one, or that of another attempt. `undefined` if
 * another request used the challenge, an admin revoked it, its invitation has ended, or the limit is reached
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
  const { request, now, instead } = facts
  const { challenge, renews } = grounds
  const isDone = isRecorded(fingerprint)
  const insert = insertQuery(
    certificate,
    newRow(facts, grounds),
    challenge ? isAllowed(challenge, now) : sql`1`,
  )
  const rest = [
    // Before its row, which names the invitation, is deleted.
    ...(challenge?.invitation
      ? [countUseQuery(challenge.invitation, sql`${isDone} AND ${isStillGood(challenge)}`)]
      : []),
    ...(challenge?.isRow ? [consumeQuery(challenge.hash, isDone)] : []),
    ...(renews
      ? [claimQuery(sql`SELECT ${fingerprint}, ${renews.enrollment} WHERE ${isDone}`)]
      : []),
  ]
  const released = instead === undefined ? [] : [releaseQuery(request, instead)]
  await writeAll(d1, [...released, insert, ...rest])
  return issuedFor(d1, request)
}

const NO_CHALLENGE = { hash: null, profile: 0, binding: { udid: '', serial: '' }, keptUntil: 0 }

function newRow(
  { request, authority, now }: { request: string; authority: string; now: number },
  { challenge, renews, rate }: Grounds,
): NewRow {
  const { hash, profile, binding, keptUntil } = challenge
    ? { ...challenge, keptUntil: challenge.isRow ? 0 : challenge.expiresAt }
    : NO_CHALLENGE
  const predecessor = renews?.fingerprint ?? ''
  return {
    request,
    authority,
    now,
    challenge: hash,
    profile,
    binding,
    keptUntil,
    rate,
    renews: predecessor,
  }
}

function isAllowed(challenge: FreshChallenge, now: number): Sql {
  const { invitation } = challenge
  return invitation === ''
    ? isStillGood(challenge)
    : sql`${isStillGood(challenge)} AND ${isOpenInvitation(invitation, now)}`
}
