import { countLine, type LogLevel } from './figures/lines.ts'
import { requestId } from './request-id.ts'
import { reasonOf } from './reason.ts'

export type LogDetail = Readonly<Record<string, string | number | boolean | undefined>>

/** From the lines that are always written to those that few want. */
export const LOG_LEVELS: readonly LogLevel[] = ['warn', 'info', 'debug']

/** How many of the levels this isolate writes. */
let written = 2

export function setLogLevel(level: LogLevel): void {
  written = LOG_LEVELS.indexOf(level) + 1
}

/** One JSON object a line: an event, its device and its request. Never payloads, tokens, magic or secrets. */
export function log(event: string, detail: LogDetail = {}): void {
  write('info', event, detail)
}

/** An event that an operator has to check. */
export function warn(event: string, detail: LogDetail = {}): void {
  write('warn', event, detail)
}

/** An event that happens with every message: for the hour in which a fault is searched. */
export function debug(event: string, detail: LogDetail = {}): void {
  write('debug', event, detail)
}

function write(level: LogLevel, event: string, detail: LogDetail): void {
  countLine(level, event, detail)
  if (LOG_LEVELS.indexOf(level) < written) {
    console[level === 'warn' ? 'warn' : 'log'](line(level, event, detail))
  }
}

/** Some details are a sender's text, which has any length. */
const MAX_DETAIL = 1000

/** Control characters that JSON leaves as they are: some make a new line, or control a terminal. */
const UNESCAPED = /[\u007f-\u009f\u2028\u2029]/g

/** The name stands first, and no detail replaces it: searches rely on it. */
function line(level: LogLevel, event: string, detail: LogDetail): string {
  const fields = Object.assign({ event }, detail, { event, level, request_id: requestId() })
  const text = JSON.stringify(fields, (_, value: unknown) =>
    typeof value === 'string' ? value.slice(0, MAX_DETAIL) : value,
  )
  return escaped(text)
}

/** JSON that is one line for every reader, and that a terminal takes for text. */
export function escaped(json: string): string {
  return json.replace(UNESCAPED, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Does work whose failure is only logged. */
export async function attempt(
  event: string,
  work: () => Promise<void>,
  device?: string,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    warn(event, { ...(device === undefined ? {} : { device }), reason: reasonOf(error) })
  }
}
