/**
 * The number of new rows between two checks of history: a tenth of the rows that it keeps, and 50 at most. A
 * check reads all rows of the history. To read them for each new row would cost more than a few surplus rows.
 */
export function pruneEvery(count: number): number {
  return Math.min(Math.max(1, Math.floor(count / 10)), 50)
}
