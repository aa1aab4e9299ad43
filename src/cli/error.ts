/** Something that the person at the terminal can mend: its message is the one line that is printed. */
export class CliError extends Error {}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
