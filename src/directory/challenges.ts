/** SCEP challenges: which kind devices get, and the ones that are good once (apple-protocol §3.4). */
import { createHash, randomBytes } from 'node:crypto'
import { and, eq, gt, lte } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { ENROLL_ID, type InstalledProfile } from '../enroll/installed-profile.ts'
import { storedProfile } from './profiles.ts'
import { authorities, challenges } from './schema.ts'

/** What the settings say of challenges; see `Config.scep`. */
export interface ChallengeSettings {
  /** One-time challenges or the static one; undefined leaves it to what is in the field. */
  readonly dynamicChallenge: boolean | undefined
  /** The challenge of the static mode. */
  readonly challenge: string
  /** How long the challenge of a downloaded profile is good (milliseconds). */
  readonly challengeLifetime: number
}

/**
 * `one-time`: each download of an enrolment profile has a challenge of its own. `static`: all have the same
 * one; `because` says why, where nobody chose it.
 */
export type ChallengeMode =
  | { readonly kind: 'one-time' }
  | { readonly kind: 'static'; readonly challenge: string; readonly because?: string }

/** A one-time challenge as it stands; `openUntil` is 0 once it was used. */
export interface KnownChallenge {
  readonly hash: string
  readonly openUntil: number
  /** Fingerprint of the certificate that it last got or is to renew; empty for a fresh one. */
  readonly certificate: string
}

const FOREVER = Number.MAX_SAFE_INTEGER

/**
 * The mode in force. Nobody having chosen, a deployment with an imported CA or a stored enrolment profile keeps MicroMDM's static
 * challenge, because profiles with it are in the field; every other one has one-time challenges.
 */
export async function challengeMode(
  d1: D1Database,
  settings: ChallengeSettings,
): Promise<ChallengeMode> {
  const { dynamicChallenge, challenge } = settings
  if (dynamicChallenge !== undefined) {
    return dynamicChallenge ? { kind: 'one-time' } : { kind: 'static', challenge }
  }
  const [imported] = await drizzle(d1)
    .select({ keyId: authorities.keyId })
    .from(authorities)
    .where(eq(authorities.imported, true))
    .limit(1)
  if (imported) {
    return { kind: 'static', challenge, because: 'a CA was imported' }
  }
  return (await storedProfile(d1, ENROLL_ID))
    ? { kind: 'static', challenge, because: 'an enrolment profile is stored' }
    : { kind: 'one-time' }
}

/**
 * The challenge for an enrolment profile that is being downloaded: a fresh one, which leads from the certificate
 * that it gets to what the profile said, or the static one, which leads nowhere.
 */
export async function profileChallenge(
  d1: D1Database,
  settings: ChallengeSettings,
  now: number,
  profile?: InstalledProfile,
): Promise<string> {
  const mode = await challengeMode(d1, settings)
  return mode.kind === 'static'
    ? mode.challenge
    : newChallenge(d1, now, {
        lifetime: settings.challengeLifetime,
        ...(profile && { profile }),
      })
}

/**
 * A fresh challenge, good for one certificate within `lifetime` milliseconds, or whenever it comes. With
 * `renews`, the fingerprint of an enrolment's present identity, the certificate is bound to that enrolment as
 * it is issued. `profile` is what it is handed out with. 32 characters of base64, as MicroMDM's.
 */
export async function newChallenge(
  d1: D1Database,
  now: number,
  options: {
    readonly lifetime?: number
    readonly renews?: string
    readonly profile?: InstalledProfile
  } = {},
): Promise<string> {
  const { lifetime = FOREVER - now, renews = '', profile } = options
  const db = drizzle(d1)
  const challenge = randomBytes(24).toString('base64')
  await db.batch([
    db.insert(challenges).values({
      hash: hashOf(challenge),
      openUntil: now + lifetime,
      certificate: renews,
      profile: profile ? JSON.stringify(profile) : '',
    }),
    // Downloads that led nowhere leave nothing behind.
    db
      .delete(challenges)
      .where(
        and(
          eq(challenges.certificate, ''),
          gt(challenges.openUntil, 0),
          lte(challenges.openUntil, now),
        ),
      ),
  ])
  return challenge
}

/** A one-time challenge that was given out, used or not. Looked up by its hash, so that timing tells nothing. */
export async function findChallenge(
  d1: D1Database,
  challenge: string,
): Promise<KnownChallenge | undefined> {
  const [known] = await drizzle(d1)
    .select()
    .from(challenges)
    .where(eq(challenges.hash, hashOf(challenge)))
  return known
}

function hashOf(challenge: string): string {
  return createHash('sha256').update(challenge).digest('hex')
}
