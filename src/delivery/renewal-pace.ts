/** How fast a round of renewals goes, and when it stops. Pure. */

/** What came of a round so far. */
export interface RoundSoFar {
  /** Devices that have their renewal profile and have not enrolled with it. */
  readonly sent: number
  readonly renewed: number
  readonly failed: number
  /** Milliseconds. */
  readonly lastSentAt: number
  readonly lastFailure: string
}

export type NextStep =
  | { readonly kind: 'send'; readonly count: number; readonly canary: boolean }
  | { readonly kind: 'wait' }
  | { readonly kind: 'stop'; readonly reason: string }

/** Few enough for the 50 requests that one invocation has on the free plan. */
export const BATCH = 5
const HOUR = 3_600_000
/** How long one canary is waited for before another device is tried. */
const CANARY_PATIENCE = 24 * HOUR
const FAILURES_TO_STOP = 3
const WORST_FAILURE_RATE = 0.1

/**
 * One device goes first; the others follow when it has enrolled with its new identity. A canary that fails stops
 * the round, and so do three failures that are more than a tenth of all outcomes.
 */
export function nextStep(soFar: RoundSoFar, now: number): NextStep {
  const { sent, renewed, failed, lastSentAt, lastFailure } = soFar
  if (renewed === 0 && failed > 0) {
    return { kind: 'stop', reason: `the first renewal failed: ${lastFailure}` }
  }
  if (renewed === 0) {
    return sent > 0 && now - lastSentAt < CANARY_PATIENCE
      ? { kind: 'wait' }
      : { kind: 'send', count: 1, canary: true }
  }
  return failed >= FAILURES_TO_STOP && failed > (failed + renewed) * WORST_FAILURE_RATE
    ? { kind: 'stop', reason: `${failed} of ${failed + renewed} renewals failed: ${lastFailure}` }
    : { kind: 'send', count: BATCH, canary: false }
}

/** Milliseconds from one batch to the next. */
export function batchInterval(perHour: number): number {
  return (HOUR * BATCH) / perHour
}
