/** An event of a stream (HTML Standard, "Server-sent events"). */
export interface StreamEvent {
  /** `message` for an event without a name. */
  readonly event: string
  readonly id: string | undefined
  readonly data: string
  /** How long to wait before the next connection (milliseconds). */
  readonly retry: string | undefined
}

/** The events that a text has, and the rest, which waits for more text. */
export function readEvents(text: string): {
  readonly events: readonly StreamEvent[]
  readonly rest: string
} {
  const parts = text.split('\n\n')
  const rest = parts.pop() ?? ''
  return { events: parts.map(eventIn).filter(({ data }) => data !== ''), rest }
}

function eventIn(text: string): StreamEvent {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) {
      fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''))
    }
  }
  return {
    event: fields.get('event') ?? 'message',
    id: fields.get('id'),
    data: fields.get('data') ?? '',
    retry: fields.get('retry'),
  }
}
