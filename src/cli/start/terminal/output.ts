/** The output of `npm start`: sentences for people, or JSON lines for programs. */
import { styleText } from 'node:util'
import { escaped } from '../../../log.ts'
import { createNames, lineOf, printable, type Detail, type Tone } from './words.ts'
import type { LogStyle } from '../../options.ts'

/** Output of workerd; `level` is that of the console. */
export interface Printed {
  readonly level: string
  readonly message: string
}

export interface Output {
  /** For people. In JSON mode it is not part of the log. */
  readonly say: (text: string) => void
  /** Shows progress until the next output. `count` is shown where the line can be overwritten. */
  readonly progress: (doing: string, count?: string) => void
  /** A line of the Worker's log. */
  readonly event: (printed: Printed) => void
  /** The server answers. Scripts wait for this sentence. */
  readonly ready: (url: string) => void
  /** The model of a device, for sentences that name the device. */
  readonly nameDevice: (device: string, model: string) => void
  /** Removes the progress that is shown, before other output. */
  readonly clear: () => void
}

/** The parts of a stream that are used. */
export interface Sink {
  readonly isTTY?: boolean
  write(text: string): unknown
  hasColors?(): boolean
}

export interface Sinks {
  readonly stdout: Sink
  readonly stderr: Sink
  readonly now: () => Date
}

const CLEAR = '\r\u001b[K'
const COLORS = { good: 'green', bad: 'red', warn: 'yellow' } as const

/** Sentences on a terminal, else JSON lines; an option selects either. */
export function createOutput(asked: LogStyle | undefined, sinks: Sinks): Output {
  const style = asked ?? (sinks.stdout.isTTY ? 'text' : 'json')
  return style === 'text' ? textOutput(sinks) : jsonOutput(sinks)
}

function textOutput({ stdout, now }: Sinks): Output {
  const names = createNames()
  // Respects NO_COLOR and FORCE_COLOR.
  const isColored = stdout.isTTY === true && stdout.hasColors?.() === true
  const paint = (color: 'green' | 'red' | 'yellow' | 'dim', text: string): string =>
    isColored ? styleText(color, text, { validateStream: false }) : text
  const progress = progressOn(stdout, (text) => paint('dim', text))
  const print = (text: string): void => {
    progress.clear()
    stdout.write(`${text}\n`)
  }
  return {
    say: print,
    event({ level, message }) {
      const { text, tone } = lineOrRest(message, (detail) => lineOf(detail, names))
      const shade = tone === 'plain' && isWarning(level) ? 'warn' : tone
      const line = shade === 'plain' ? text : paint(COLORS[shade], text)
      print(`${paint('dim', now().toLocaleTimeString('en-GB'))} ${line}`)
    },
    progress: progress.show,
    ready: (url) => print(`EdgeMDM ready on ${url}`),
    nameDevice: names.nameDevice,
    clear: progress.clear,
  }
}

function lineOrRest(
  message: string,
  line: (detail: Detail) => { readonly text: string; readonly tone: Tone },
): { readonly text: string; readonly tone: Tone } {
  const detail = detailIn(message)
  return detail
    ? line(detail)
    : { text: message.trimEnd().split('\n').map(printable).join('\n'), tone: 'plain' }
}

/** stdout is only JSON; text for people goes to stderr. */
function jsonOutput({ stdout, stderr, now }: Sinks): Output {
  const progress = progressOn(stderr, (text) => text)
  const print = (level: 'info' | 'warn', detail: Detail): void => {
    progress.clear()
    const line = JSON.stringify({ time: now().toISOString(), level, ...detail })
    stdout.write(`${escaped(line)}\n`)
  }
  return {
    say(text) {
      progress.clear()
      stderr.write(`${text}\n`)
    },
    event({ level, message }) {
      const detail = detailIn(message)
      if (detail) {
        print(isWarning(level) ? 'warn' : 'info', detail)
      } else {
        print('warn', { event: 'workerd:output', message })
      }
    },
    progress: progress.show,
    ready(url) {
      // The address is the only URL in the sentence, for scripts that cut it out.
      print('info', { event: 'start:ready', message: `EdgeMDM ready on ${url} now`, url })
    },
    nameDevice: () => undefined,
    clear: progress.clear,
  }
}

/** On a terminal one line that is overwritten, else a line for each step. */
function progressOn(sink: Sink, paint: (text: string) => string) {
  let shown = ''
  return {
    show: (doing: string, count = ''): void => {
      if (sink.isTTY) {
        sink.write(CLEAR + paint(`${doing} ${count}`.trim()))
      } else if (doing !== shown) {
        sink.write(`${doing}\n`)
      }
      shown = doing
    },
    clear: (): void => {
      if (sink.isTTY && shown !== '') {
        sink.write(CLEAR)
        shown = ''
      }
    },
  }
}

function isWarning(level: string): boolean {
  return level === 'warn' || level === 'error'
}

/** A log line of the Worker; undefined for output of workerd itself. */
function detailIn(message: string): Detail | undefined {
  try {
    const read: unknown = JSON.parse(message)
    return typeof read === 'object' && read !== null && 'event' in read ? { ...read } : undefined
  } catch {
    return undefined
  }
}
