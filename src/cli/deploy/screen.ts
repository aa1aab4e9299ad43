/** What the user sees: lines with ticks, or with `--json` one event on each line. */
import { createInterface } from 'node:readline/promises'
import type { Readable } from 'node:stream'
import { DeployStop, type ExitCode } from './failures.ts'
import type { DoctorFinding } from './examine.ts'
import type { DeployPlan } from './plan/plan.ts'

export type DeployEvent =
  | ({ readonly type: 'plan'; readonly deployment: string; readonly account: string } & DeployPlan)
  | { readonly type: 'begin'; readonly step: string; readonly title: string }
  | {
      readonly type: 'end'
      readonly step: string
      readonly title: string
      readonly seconds: number
    }
  | { readonly type: 'look'; readonly at: string }
  | { readonly type: 'note'; readonly text: string }
  | ({ readonly type: 'finding' } & DoctorFinding)
  | {
      readonly type: 'failed'
      readonly step: string
      readonly fault: string
      readonly remedy: string
      readonly exit: ExitCode
    }
  | { readonly type: 'done'; readonly url: string; readonly changed: boolean }

interface Sink {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface Screen {
  readonly tell: (event: DeployEvent) => void
  /** For people alone: it may hold a link with a token. */
  readonly show: (text: string) => void
  /** An answer, or the default for none; undefined where there is no terminal to ask at. */
  readonly ask: ((question: string) => Promise<string>) | undefined
  /** Whether a person watches. */
  readonly isWatched: boolean
}

export interface ScreenOrder {
  readonly json: boolean
  readonly asks: boolean
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Sink & NodeJS.WritableStream
  readonly color: boolean
}

const CLEAR = '\r\u001b[K'

export function createScreen({ json, asks, stdin, stdout, color }: ScreenOrder): Screen {
  const write = (text: string): void => void stdout.write(text)
  const isWatched = stdout.isTTY === true && !json
  const ask =
    asks && stdin.isTTY === true && isWatched
      ? async (question: string): Promise<string> => {
          const lines = createInterface({ input: stdin, output: stdout })
          const interrupted = new Promise<never>((_, reject) => {
            lines.once('SIGINT', () => process.emit('SIGINT'))
            lines.once('close', () =>
              reject(new DeployStop(2, 'there was no answer', 'run this again')),
            )
          })
          try {
            return (await Promise.race([lines.question(question), interrupted])).trim()
          } finally {
            lines.close()
          }
        }
      : undefined
  if (json) {
    return {
      tell: (event) => write(`${JSON.stringify(event)}\n`),
      show: () => undefined,
      ask,
      isWatched,
    }
  }
  return {
    ask,
    isWatched,
    show: (text) => write(`${text}\n`),
    tell(event) {
      if (event.type === 'begin') {
        write(isWatched ? `${CLEAR}… ${event.title}` : '')
        return
      }
      write(`${isWatched ? CLEAR : ''}${eventText(event, color)}`)
    },
  }
}

/** What Ctrl-C says: after the last step it ends only the waiting for a device. */
export function interruptionText(isDone: boolean): string {
  return isDone
    ? 'The server is deployed. Devices can enrol at any time.'
    : 'Interrupted. What is done is kept: run the same command again to go on.'
}

/** An event in lines. Names and faults may hold what another system sent. */
export function eventText(event: Exclude<DeployEvent, { type: 'begin' }>, color: boolean): string {
  const lines = linesOf(event, color ? paint : (_, text) => text)
  return lines.map((line) => `${line}\n`).join('')
}

type Paint = (hue: 32 | 31 | 2, text: string) => string

const paint: Paint = (hue, text) => `\u001b[${hue}m${text}\u001b[0m`

function linesOf(event: Exclude<DeployEvent, { type: 'begin' }>, hued: Paint): readonly string[] {
  switch (event.type) {
    case 'plan':
      return planLines(event, hued)
    case 'end': {
      const time = event.seconds >= 1 ? hued(2, ` (${event.seconds} s)`) : ''
      return [`${hued(32, '✓')} ${event.title}${time}`]
    }
    case 'look':
      return [hued(2, `Looking at ${event.at} …`)]
    case 'note':
      return [`  ${event.text}`]
    case 'finding':
      return [
        `${event.level === 'fail' ? hued(31, '✗') : '!'} ${event.number} ${clean(event.seen)}`,
        ...(event.fix === undefined ? [] : [`  ${clean(event.fix)}`]),
      ]
    case 'failed':
      return [`${hued(31, '✗')} ${event.step}: ${clean(event.fault)}`, `  ${event.remedy}`]
    case 'done':
      return []
  }
}

function planLines(
  { deployment, account, items, remarks }: Extract<DeployEvent, { type: 'plan' }>,
  hued: Paint,
): readonly string[] {
  const differing = items.filter(({ change }) => change !== 'unchanged')
  const same = items.filter(({ change }) => change === 'unchanged').map(({ what }) => what)
  const width = Math.max(0, ...differing.map(({ what }) => what.length))
  return [
    `Deployment ${deployment}, account ${clean(account)}:`,
    ...differing.map(({ what, change, detail }) =>
      `  ${what.padEnd(width)}  ${change.padEnd(7)}  ${clean(detail)}`.trimEnd(),
    ),
    ...(same.length > 0 ? [hued(2, `  unchanged: ${same.join(', ')}`)] : []),
    ...remarks.map((text) => `  ${text}`),
  ]
}

function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd')
}
