/** SCEP challenges: the mode that is in force, and the challenges that are good once. */
import { createHash, randomBytes } from 'node:crypto'
import { PROFILE_VERSION } from '../enroll/installed-profile.ts'
import type { ChallengeTerms, InvitedBy } from '../enroll/issuer.ts'
import type { Sealer } from '../pki/seal/seal.ts'
import {
  type Binding,
  bindingOf,
  CHALLENGE_PURPOSE,
  isBound,
  nonceOf,
  readChallenge,
  type Subject,
  writeChallenge,
} from '../pki/seal/challenge.ts'
import { lastImport } from './authorities.ts'
import { consumerQuery } from './certificates.ts'
import { insert, jsonOf, select, type Sql, sql, write, writeAll } from './sql.ts'
import type { ChallengeSettings } from '../config/settings.ts'

/**
 * `one-time`: each download of an enrolment profile has a challenge of its own. `static`: all have the same
 * one; `because` gives the reason, where no setting chose it.
 */
export type ChallengeMode =
  | { readonly kind: 'one-time' }
  | { readonly kind: 'static'; readonly challenge: string; readonly because?: string }

/** A one-time challenge that may still be used. */
export interface FreshChallenge {
  readonly hash: string
  /**
   * It is a row, which is deleted when it is used. Challenges without a row are consumed by the
   * certificate's row.
   */
  readonly isRow: boolean
  /** When it was given out; 0 for a row, because revoking deletes it. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** Fingerprint of the certificate that it is to renew; empty for a new enrolment. */
  readonly renews: string
  readonly profile: number
  readonly binding: Binding
  readonly counted: boolean
  /** The invitation; its certificate counts as a use of it. Empty for others. */
  readonly invitation: string
}

/**
 * Open challenges of an invitation beyond its uses: people download twice, and some programs follow links.
 */
const SPARE_CHALLENGES = 20

/** The state of a text as a challenge. `spent`: it got the certificate of that fingerprint. */
export type FoundChallenge =
  | { readonly kind: 'fresh'; readonly challenge: FreshChallenge }
  | { readonly kind: 'spent'; readonly certificate: string }
  | { readonly kind: 'over'; readonly reason: string }
  | { readonly kind: 'unknown' }

const FOREVER = Number.MAX_SAFE_INTEGER
const TOO_OLD = { kind: 'over', reason: 'the challenge is too old' } as const
/** Names the moment of revocation: challenges without a row that were given out before it are void. */
const REVOCATION = 'challenges_revoked'
/** Of a challenge that is a row. */
const OPEN = [
  'openUntil',
  'certificate',
  'profile',
  'boundUdid',
  'boundSerial',
  'invitation',
] as const

/**
 * The mode in force. Without a setting, a deployment with an imported CA keeps MicroMDM's static challenge,
 * because its devices have profiles with it. Every other deployment has one-time challenges. A stored
 * enrolment profile has its own challenge.
 */
export async function challengeMode(
  d1: D1Database,
  settings: ChallengeSettings,
): Promise<ChallengeMode> {
  const { dynamicChallenge, challenge } = settings
  if (dynamicChallenge !== undefined) {
    return dynamicChallenge ? { kind: 'one-time' } : { kind: 'static', challenge }
  }
  return (await lastImport(d1)) === undefined
    ? { kind: 'one-time' }
    : { kind: 'static', challenge, because: 'a CA was imported' }
}

/**
 * The challenge for a profile that is being downloaded: a fresh one, or the static one where anyone can get
 * it, for any device. Only the challenge of an invitation is a row; others cost nothing until they are used.
 */
export async function profileChallenge(
  d1: D1Database,
  { scep, sealer }: { readonly scep: ChallengeSettings; readonly sealer: Sealer },
  now: number,
  terms: ChallengeTerms,
): Promise<string> {
  const { profile, subject = {}, by, oncePer } = terms
  const lifetime = scep.challengeLifetime
  if (typeof by === 'object') {
    await forgetOldest(d1, by)
    return newChallenge(d1, now, { lifetime, profile, subject, invitation: by.id })
  }
  const binding = bindingOf(subject)
  const isForAnyone = by === 'anybody' && !isBound(binding)
  const mode = isForAnyone ? await challengeMode(d1, scep) : undefined
  if (mode?.kind === 'static') {
    return mode.challenge
  }
  const [newest] = sealer.derive(CHALLENGE_PURPOSE)
  return writeChallenge(newest, {
    profile,
    counted: isForAnyone,
    issuedAt: now,
    expiresAt: now + lifetime,
    binding,
    nonce: nonceOf(oncePer),
  })
}

/**
 * A fresh challenge that is a row, good for one certificate within `lifetime` milliseconds, or without
 * limit. With `renews`, the fingerprint of an enrolment's present identity, the certificate is bound to
 * that enrolment when it is issued. 32 characters of base64, as in MicroMDM.
 */
export async function newChallenge(
  d1: D1Database,
  now: number,
  options: {
    readonly lifetime?: number
    readonly renews?: string
    readonly profile?: number
    readonly subject?: Subject
    /** The invitation; the certificate counts as a use of it. */
    readonly invitation?: string
  } = {},
): Promise<string> {
  const { lifetime = FOREVER - now, renews = '', profile = 0, subject = {} } = options
  const { invitation = '' } = options
  const { udid: boundUdid, serial: boundSerial } = bindingOf(subject)
  const challenge = randomBytes(24).toString('base64')
  await writeAll(d1, [
    // First, so that a full database has space again.
    sql`DELETE FROM challenges WHERE open_until <= ${now}`,
    insert('challenges', {
      hash: hashOf(challenge),
      openUntil: now + lifetime,
      certificate: renews,
      profile: profile === 0 ? '' : String(profile),
      boundUdid,
      boundSerial,
      invitation,
    }),
  ])
  return challenge
}

/**
 * Deletes the oldest open challenges of an invitation. It keeps as many as its devices may need, even if many
 * programs follow the link.
 */
async function forgetOldest(d1: D1Database, { id, maxUses }: InvitedBy): Promise<void> {
  const forget = sql`DELETE FROM challenges WHERE hash IN (SELECT hash FROM challenges
    WHERE invitation = ${id} AND invitation <> ''
    ORDER BY open_until DESC LIMIT -1 OFFSET ${maxUses + SPARE_CHALLENGES - 1})`
  await write(d1, forget)
}

/** The state of a text as a one-time challenge. The look-up uses its hash, so that timing reveals nothing. */
export async function findChallenge(
  d1: D1Database,
  sealer: Sealer,
  text: string,
  now: number,
): Promise<FoundChallenge> {
  const grant = readChallenge(sealer.derive(CHALLENGE_PURPOSE), text)
  const hash = hashOf(grant?.nonce ?? text)
  const [rows, consumers, revocations] = await writeAll(d1, [
    select('challenges', OPEN, sql`WHERE hash = ${hash}`),
    consumerQuery(hash),
    select('moments', ['at'], sql`WHERE name = ${REVOCATION}`),
  ])
  const [row] = rows.results
  const [spent] = consumers.results
  const [revoked] = revocations.results
  if (spent) {
    return { kind: 'spent', certificate: spent.fingerprint }
  }
  if (row) {
    const { openUntil, certificate, boundUdid, boundSerial, invitation } = row
    const challenge: FreshChallenge = {
      hash,
      isRow: true,
      issuedAt: 0,
      expiresAt: openUntil,
      renews: certificate,
      // Rows from before versions existed hold the text of the first one.
      profile: row.profile === '' ? 0 : Number(row.profile) || PROFILE_VERSION,
      binding: { udid: boundUdid, serial: boundSerial },
      counted: false,
      invitation,
    }
    return openUntil <= now ? TOO_OLD : { kind: 'fresh', challenge }
  }
  if (!grant) {
    return { kind: 'unknown' }
  }
  if (grant.expiresAt <= now) {
    return TOO_OLD
  }
  return revoked && grant.issuedAt <= revoked.at
    ? { kind: 'over', reason: 'the challenge was revoked' }
    : { kind: 'fresh', challenge: { ...grant, hash, isRow: false, renews: '', invitation: '' } }
}

/** Whether a challenge that was found is still good when a statement runs. */
export function isStillGood({ isRow, hash, issuedAt }: FreshChallenge): Sql {
  return isRow
    ? sql`EXISTS (SELECT 1 FROM challenges WHERE hash = ${hash})`
    : sql`NOT EXISTS (SELECT 1 FROM moments WHERE name = ${REVOCATION} AND at >= ${issuedAt})`
}

/**
 * Consumes a challenge that is a row, as a part of a batch. Any other challenge is consumed by the row of the
 * certificate (record-certificate.ts).
 */
export function consumeQuery(hash: string, condition: Sql): Sql {
  return sql`DELETE FROM challenges WHERE hash = ${hash} AND ${condition}`
}

/** Makes all challenges void that were given out so far, except those that renew an enrolment's identity. */
export async function revokeChallenges(d1: D1Database, now: number): Promise<void> {
  const later = sql`ON CONFLICT (name) DO UPDATE SET at = max(at, excluded.at)`
  await writeAll(d1, [
    sql`DELETE FROM challenges WHERE certificate = ''`,
    insert('moments', { name: REVOCATION, at: now }, later),
  ])
}

function hashOf(challenge: string): string {
  return createHash('sha256').update(challenge).digest('hex')
}

/** Opens challenges of another server. They are bound to no device. */
export async function openMovedChallenges(
  d1: D1Database,
  texts: readonly string[],
  openUntil: number,
): Promise<void> {
  const open = sql`INSERT OR IGNORE INTO challenges (hash, open_until, certificate)
    SELECT listed.value, ${openUntil}, '' FROM json_each(${jsonOf(texts.map(hashOf))}) AS listed`
  await write(d1, open)
}
