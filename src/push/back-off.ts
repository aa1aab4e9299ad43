import type { Verdict } from './verdict.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
/** A device that was pushed and has not come yet fetches everything when it does. */
export const UNANSWERED_INTERVAL = MINUTE

/**
 * How long a channel waits after a push that failed, in milliseconds; `undefined` when the answer asks for no wait.
 * What APNs asks for is kept. Otherwise the wait is as long as the push has waited already, which doubles it from
 * one failure to the next, with up to a half more so that devices that failed together do not come back together.
 * @param waited milliseconds since the push was wanted first.
 * @param random from 0 to 1.
 * Source: spec/platform.md §1.6.
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
      // Repeating it helps nobody before the Worker is mended.
      return DAY
    case 'delivered':
    case 'token_dead':
    case 'token_refused':
    case 'configuration':
      return undefined
  }
}
