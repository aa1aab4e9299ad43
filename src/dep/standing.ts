/** How an account stands with Apple after an answer, and when its next call may be made. */
import type { DepAnswer, DepRefused } from './client.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** An account synchronizes this often, in milliseconds. */
export const DEP_SYNC_INTERVAL = 30 * MINUTE

/** `terms`: a person has to accept Apple’s terms. `token_invalid`: a new token is needed. */
export type DepFlag = 'terms' | 'token_invalid' | 'access_denied'

export interface DepStanding {
  readonly flag: DepFlag | ''
  /** When the flag was set (milliseconds); 0 without one. */
  readonly since: number
  /** Apple’s own deadline: no call of any kind is made before it. 0 for none. */
  readonly notBefore: number
  /** Work that no person asked for waits until then. 0 for none. */
  readonly restUntil: number
  /** Answers 429 without a deadline, one after the other. */
  readonly throttles: number
  /** Calls without an answer, one after the other. */
  readonly failures: number
}

export const GOOD_STANDING: DepStanding = {
  flag: '',
  since: 0,
  notBefore: 0,
  restUntil: 0,
  throttles: 0,
  failures: 0,
}

interface RefusalRule {
  readonly at?: DepRefused['at']
  readonly status: readonly number[]
  readonly code?: string
  readonly flag: DepFlag
}

/** The first rule that fits decides (Apple, "Interpreting Automated Device Enrollment error codes"). */
const FLAG_RULES: readonly RefusalRule[] = [
  { status: [403], code: 'T_C_NOT_SIGNED', flag: 'terms' },
  { at: 'session', status: [403], code: 'ACCESS_DENIED', flag: 'access_denied' },
  { at: 'session', status: [401, 403], flag: 'token_invalid' },
]

/** Retries of a call without an answer wait 2, 4, 8, 16 and 32 seconds; then the next sync decides. */
const MAX_FAILURES = 5

/**
 * The standing after an answer at `now` (milliseconds). A flag that stays keeps its `since`, so that a caller
 * tells of it once. A good answer clears everything.
 */
export function depStandingAfter(
  standing: DepStanding,
  answer: DepAnswer,
  now: number,
): DepStanding {
  switch (answer.kind) {
    case 'ok':
      return GOOD_STANDING
    case 'unreachable':
      return unreachableAt(standing, now)
    case 'refused':
      return refusedAt(standing, answer, now)
  }
}

function unreachableAt(standing: DepStanding, now: number): DepStanding {
  const failures = standing.failures + 1
  return failures > MAX_FAILURES
    ? { ...standing, failures: 0, restUntil: now + DEP_SYNC_INTERVAL }
    : { ...standing, failures, restUntil: now + SECOND * 2 ** failures }
}

function refusedAt(standing: DepStanding, answer: DepRefused, now: number): DepStanding {
  const { at, status, code, retryAt } = answer
  const answered = { ...standing, failures: 0 }
  if (retryAt !== undefined) {
    return { ...answered, notBefore: retryAt, restUntil: retryAt }
  }
  if (status === 429) {
    const notBefore = now + Math.min(MINUTE * 2 ** standing.throttles, HOUR)
    return { ...answered, throttles: standing.throttles + 1, notBefore, restUntil: notBefore }
  }
  const rule = FLAG_RULES.find(
    (one) => one.status.includes(status) && (one.at ?? at) === at && (one.code ?? code) === code,
  )
  if (rule) {
    const since = standing.flag === rule.flag ? standing.since : now
    return { ...answered, flag: rule.flag, since, restUntil: now + HOUR }
  }
  // A login that fails otherwise (400 for a wrong clock) is no reason to ask for another token.
  return at === 'session' ? { ...answered, restUntil: now + HOUR } : { ...answered, throttles: 0 }
}

/** Days before the end of a token at which an admin is told; 0 once it has ended. */
const EXPIRY_NOTICES: readonly number[] = [0, 1, 7, 14, 30, 60]

/**
 * The notice that is due about the end of a token, in days; undefined while there is none.
 *
 * @param told the last notice about this token; undefined for none
 */
export function expiryNotice(
  expiresAt: number,
  now: number,
  told: number | undefined,
): number | undefined {
  const due = EXPIRY_NOTICES.find((days) => expiresAt - now <= days * DAY)
  return due !== undefined && due < (told ?? Infinity) ? due : undefined
}
