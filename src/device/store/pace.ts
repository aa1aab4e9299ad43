/**
 * With how many new rows history is checked once: a tenth of the rows that it keeps, and never many. A check
 * reads the rows, and reading them for each new row would cost more than the few rows too many.
 */
export function pruneEvery(count: number): number {
  return Math.min(Math.max(1, Math.floor(count / 10)), 50)
}
