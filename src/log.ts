import { requestId } from './request-id.ts'
import { reasonOf } from './reason.ts'

export type LogDetail = Readonly<Record<string, string | number | boolean | undefined>>

export { reasonOf } from './reason.ts'

/** One JSON object a line: what happened, to whom, by which request. Never payloads, tokens, magic or secrets. */
export function log(event: string, detail: LogDetail = {}): void {
  console.log(line(event, detail))
}

/** Something an operator has to look at. */
export function warn(event: string, detail: LogDetail = {}): void {
  console.warn(line(event, detail))
}

/** Some details are a sender's words, which have any length. */
const MAX_DETAIL = 1000

/** Control characters that JSON leaves as they are: some make a new line, or speak to a terminal. */
const UNESCAPED = /[\u007f-\u009f\u2028\u2029]/g

/** The name stands first, and no detail takes its place: people search for it. */
function line(event: string, detail: LogDetail): string {
  const told = Object.assign({ event }, detail, { event, request_id: requestId() })
  const text = JSON.stringify(told, (_, value: unknown) =>
    typeof value === 'string' ? value.slice(0, MAX_DETAIL) : value,
  )
  return escaped(text)
}

/** JSON that is one line to every reader, and says nothing to a terminal. */
export function escaped(json: string): string {
  return json.replace(UNESCAPED, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Work whose failure is a line of the log and nothing else. */
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
