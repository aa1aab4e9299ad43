/** The pace of a round of renewals, and its end. */

/** The outcomes of a round so far. */
export interface RoundSoFar {
  /** Devices that were sent their renewal profile and have not enrolled with it. */
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
/** How long a round waits for its canaries before it tries others. */
const CANARY_PATIENCE = 24 * HOUR
/** With fewer failures, the cause is assumed in the devices themselves. */
const FAILURES_TO_STOP = 5
const WORST_FAILURE_RATE = 0.1

/**
 * A few devices go first. The others follow when one of them has enrolled with its new identity. Five
 * failures stop the round when they are more than a tenth of all outcomes. While canaries fail or stay
 * silent, others are tried.
 */
export function nextStep(soFar: RoundSoFar, now: number): NextStep {
  const { sent, renewed, failed, lastSentAt, lastFailure } = soFar
  if (failed >= FAILURES_TO_STOP && failed > (failed + renewed) * WORST_FAILURE_RATE) {
    const reason = `${failed} of ${failed + renewed} renewals failed: ${lastFailure}`
    return { kind: 'stop', reason }
  }
  if (renewed > 0) {
    return { kind: 'send', count: BATCH, canary: false }
  }
  return sent > 0 && now - lastSentAt < CANARY_PATIENCE
    ? { kind: 'wait' }
    : { kind: 'send', count: BATCH, canary: true }
}

/** Milliseconds from one batch to the next. */
export function batchInterval(perHour: number): number {
  return (HOUR * BATCH) / perHour
}
