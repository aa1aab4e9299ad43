import { type DoctorResult, NEEDS_A_KEY } from './check.ts'

type Level = DoctorResult['level']

const SIGNS = { ok: '✓', warn: '!', fail: '✗', skip: '–' } as const
const HUES = { ok: 32, warn: 33, fail: 31, skip: 2 } as const

export interface ResultStyle {
  readonly color: boolean
  /** Good checks also say what they saw. */
  readonly verbose: boolean
}

/** A line for each result, and a last one that counts. Checks skipped for one reason share a line. */
export function resultLines(
  results: readonly DoctorResult[],
  { color, verbose }: ResultStyle,
): readonly string[] {
  const sign = (level: Level): string =>
    color ? `\u001b[${HUES[level]}m${SIGNS[level]}\u001b[0m` : SIGNS[level]
  const shown = results.filter(({ level }) => level !== 'skip')
  const skipped = Map.groupBy(skippedNumbers(results), ([, reason]) => reason)
  return [
    ...shown.map(
      (result) =>
        `${sign(result.level)} ${String(result.number).padStart(2)} ${sentenceOf(result, verbose)}`,
    ),
    ...[...skipped].map(([reason, some]) => {
      const numbers = some.map(([number]) => number).join(', ')
      return `${sign('skip')}  ${numbers}: ${clean(reason)}`
    }),
    '',
    countsOf(results),
    ...((skipped.get(NEEDS_A_KEY)?.length ?? 0) > 1
      ? ['Most checks need a key of the server: API_KEY=… npm run doctor -- --server URL']
      : []),
  ]
}

/** Each number once, with its first reason. Of a number, another part may have run: then it is left out. */
function skippedNumbers(results: readonly DoctorResult[]): ReadonlyMap<number, string> {
  const reasons = new Map<number, string>()
  for (const { number, level, seen } of results) {
    const hasRun = results.some((one) => one.number === number && one.level !== 'skip')
    if (level === 'skip' && !hasRun && !reasons.has(number)) {
      reasons.set(number, seen)
    }
  }
  return reasons
}

function sentenceOf(result: DoctorResult, verbose: boolean): string {
  if (!('fix' in result)) {
    return verbose ? `${result.title}: ${clean(result.seen)}` : result.title
  }
  return `${clean(result.seen).replace(/[.\s]+$/, '')}. ${clean(capital(result.fix))}`
}

/** A number may have a part outside and a part in the account. */
function countsOf(results: readonly DoctorResult[]): string {
  const count = (level: Level): number =>
    new Set(results.filter((one) => one.level === level).map(({ number }) => number)).size
  const warned = count('warn')
  return [
    `${count('ok')} ok`,
    `${warned} ${warned === 1 ? 'warning' : 'warnings'}`,
    `${count('fail')} failed`,
    `${skippedNumbers(results).size} skipped`,
  ].join(', ')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** A server may answer with anything. */
function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd')
}
