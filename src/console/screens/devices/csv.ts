/** A list as CSV: pure (RFC 4180, lines end with CR LF). */

/** Spreadsheets run a cell that begins so. Names of devices are chosen by devices. */
const RUNS = /^[=+\-@\t\r]/

/** One line with its end. */
export function csvLine(cells: readonly (string | null | undefined)[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`
}

function cellOf(value: string | null | undefined): string {
  const text = value ?? ''
  const safe = RUNS.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
