/** When an identity is close enough to its end that its old challenge may request the next one. */

const DAY = 86_400_000
const LONGEST = 90 * DAY

/**
 * Whether the last third of a certificate's life has begun, at most 90 days of it, or that life is over.
 * Milliseconds since 1970.
 */
export function isDueForRenewal(
  certificate: { readonly issuedAt: number; readonly notAfter: number },
  now: number,
): boolean {
  const { issuedAt, notAfter } = certificate
  return now >= notAfter - renewalWindow(notAfter - issuedAt)
}

/** How long before its end an identity of that validity is renewed; both in milliseconds. */
export function renewalWindow(validity: number): number {
  return Math.min(LONGEST, validity / 3)
}
