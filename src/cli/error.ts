/** A problem that the user can correct: only its message is printed, in one line. */
export class CliError extends Error {}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Why a file cannot be read, in Node's words: `no such file or directory`. */
export function faultOfFile(error: unknown): string {
  const words = messageOf(error)
  return words.startsWith('EISDIR:')
    ? 'it is a folder'
    : words.replace(/^[A-Z]+: ([^,]+), \w+( '.*')?$/s, '$1')
}

/** Messages of Node, SQLite and workerd about files that cannot be written, and our words for them. */
const HINDRANCES: readonly (readonly [RegExp, string])[] = [
  [/^(ENOSPC|EDQUOT):|disk is full|SQLITE_IOERR_SHMSIZE/, 'the disk is full: free some space'],
  [
    /^EROFS:|readonly database|SQLITE_READONLY/,
    'the file system or a file there is read-only: make it writable',
  ],
  [
    // The runtime hides the cause. Before the first request it is the place of its files.
    /^internal error; reference =/,
    'the files of the state cannot be written: is the disk full, or its place not writable?',
  ],
  [
    /^(EACCES|EPERM):|unable to open database file|SQLITE_CANTOPEN/,
    'this user may not write there: change the owner',
  ],
]

/** Why files cannot be written, in a sentence with advice; undefined for every other error. */
export function hindranceOf(error: unknown): string | undefined {
  return HINDRANCES.find(([sign]) => sign.test(messageOf(error)))?.[1]
}

/**
 * One line for a problem that the user can correct. Every other error is a fault of ours, and is shown with
 * its stack.
 */
export function complaintOf(error: unknown): unknown {
  if (error instanceof CliError) {
    return error.message
  }
  const hindrance = hindranceOf(error)
  const place = error instanceof Error && 'path' in error ? `${String(error.path)}: ` : ''
  const isOfTheSystem = error instanceof Error && 'syscall' in error
  return hindrance === undefined ? (isOfTheSystem ? error.message : error) : place + hindrance
}
