/** Words and sentences of the health of the server. */
export const NOTHING_WRONG = 'Nothing needs you'

/** How bad a finding is, by its level in the API. */
export const LEVELS = {
  down: ['bad', 'Down'],
  error: ['bad', 'Broken'],
  warn: ['warn', 'Soon'],
} as const

export const RENEWAL_STATES = {
  off: ['quiet', 'Off'],
  idle: ['good', 'Nothing is due'],
  running: ['busy', 'Running'],
  stopped: ['bad', 'Stopped'],
} as const

/** What is tried for a moment (docs/health.md). */
export const PROBES = [
  ['push', 'Push', 'Asks APNs whether it takes the certificate. No device is pushed.'],
  ['queue', 'Queue', 'Sends a message through the queue, within 30 seconds.'],
  ['objects', 'Objects', 'An object writes, and gets its alarm, within 5 seconds.'],
  ['devices', 'Devices', 'Compares some devices of the list with their objects.'],
] as const

/** A text of the server begins small, for its place behind a name in a log. */
export function asSentence(text: string): string {
  const [first = ''] = text
  const end = text === '' || /[.:!?…]$/.test(text) ? '' : '.'
  return `${first.toLocaleUpperCase('en')}${text.slice(first.length)}${end}`
}

/** The parts of a text: the words between backticks are commands. */
export function partsOf(
  text: string,
): readonly { readonly text: string; readonly isCode: boolean }[] {
  return text
    .split('`')
    .map((part, n) => ({ text: part, isCode: n % 2 === 1 }))
    .filter((part) => part.text !== '')
}

/** The first command of a fix that a person can paste into a terminal. */
export function commandToPaste(text: string): string | undefined {
  return partsOf(text).find((part) => part.isCode && /^(npm|npx|wrangler|openssl) /.test(part.text))
    ?.text
}
