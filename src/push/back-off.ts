import type { Verdict } from './verdict.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
/**
 * For this time after a push, a device that has not connected needs no other push: when it connects, it
 * fetches all commands.
 */
export const UNANSWERED_INTERVAL = MINUTE

/**
 * How long a channel waits after a push that failed, in milliseconds; `undefined` when the answer requires
 * no wait. A wait that APNs requests is kept. Otherwise the wait is as long as the push has already waited,
 * so it doubles from one failure to the next. Up to half of it is added at random, so that devices that
 * failed together do not retry together.
 *
 * @param waited milliseconds since the push was first requested
 * @param random from 0 to 1
 */
export function waitAfter(verdict: Verdict, waited: number, random: number): number | undefined {
  switch (verdict.kind) {
    case 'later':
    case 'transport': {
      const asked = verdict.kind === 'later' ? verdict.after : undefined
      const wait = asked ?? Math.min(Math.max(waited, 2 * SECOND), 15 * MINUTE)
      return Math.min(wait * (1 + random / 2), DAY)
    }
    case 'bug':
      // Repeating it is useless until the Worker is corrected.
      return DAY
    case 'delivered':
    case 'token_dead':
    case 'token_refused':
    case 'configuration':
      return undefined
  }
}
