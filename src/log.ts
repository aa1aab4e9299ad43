export type LogDetail = Readonly<Record<string, string | number | boolean | undefined>>

/** One JSON object a line: what happened, to whom. Never payloads, tokens, magic or secrets (design.md 9). */
export function log(event: string, detail: LogDetail = {}): void {
  console.log(JSON.stringify({ event, ...detail }))
}

/** Something an operator has to look at. */
export function warn(event: string, detail: LogDetail = {}): void {
  console.warn(JSON.stringify({ event, ...detail }))
}

/** For a caught error's text in a log line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
