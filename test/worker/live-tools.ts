/** Streams as a client reads them, and what the examples of the API speak of. */
import { turnTimers } from './clock.ts'
import { exports } from 'cloudflare:workers'
import { BASIC, enrolled, until } from './server.ts'

export interface StreamEvent {
  event: string
  id: string | undefined
  data: Record<string, unknown>
}

/** An open stream. */
export interface ReadStream {
  response: Response
  /** All events so far. */
  events: StreamEvent[]
  /** Whether the server has ended it. */
  isOver: () => boolean
  /** Waits for an event. The clock goes on by the pause between two entries. */
  event: (name: string, willDo?: (data: StreamEvent['data']) => boolean) => Promise<StreamEvent>
  /** The same for an entry of a kind. */
  entry: (kind: string) => Promise<StreamEvent>
  close: () => Promise<void>
}

const PACE = 50

export async function openStream(
  query = '',
  headers: Record<string, string> = {},
): Promise<ReadStream> {
  // Over https, as a session needs it.
  const response = await exports.default.fetch(
    new Request(`https://mdm.test/api/stream?${query}`, {
      headers: { ...(headers['cookie'] === undefined && { authorization: BASIC }), ...headers },
    }),
  )
  const events: StreamEvent[] = []
  const reader = response.status === 200 ? response.body?.getReader() : undefined
  let isOver = false
  const read = async (from: ReadableStreamDefaultReader<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder()
    let text = ''
    for (;;) {
      const { done, value } = await from.read()
      if (done) {
        isOver = true
        return
      }
      const parts = (text + decoder.decode(value, { stream: true })).split('\n\n')
      text = parts.pop() ?? ''
      events.push(...parts.map(parsed))
    }
  }
  if (reader) {
    void read(reader).catch(() => {
      isOver = true
    })
  }
  const event: ReadStream['event'] = async (name, willDo = () => true) => {
    const found = await until(
      async () => events.find((one) => one.event === name && willDo(one.data)),
      (one) => one !== undefined,
      () => turnTimers(PACE),
    )
    return found ?? { event: '', id: undefined, data: {} }
  }
  return {
    response,
    events,
    isOver: () => isOver,
    event,
    entry: (kind) => event('message', (data) => data['kind'] === kind),
    close: async () => reader?.cancel(),
  }
}

function parsed(text: string): StreamEvent {
  const fields = new Map(
    text.split('\n').map((line) => {
      const [name = '', ...value] = line.split(': ')
      return [name, value.join(': ')] as const
    }),
  )
  return {
    event: fields.get('event') ?? 'message',
    id: fields.get('id'),
    data: JSON.parse(fields.get('data') ?? '{}') as StreamEvent['data'],
  }
}

/** What the examples of the API speak of. The stream goes on for ever: its example ends with the first event. */
export const LIVE = {
  stream: async () => ({
    send: async (_method: string, path: string) => {
      const stream = await openStream(path.split('?')[1])
      const { event } = await stream.event('hello')
      await stream.close()
      return new Response(event, { status: stream.response.status })
    },
  }),
  listActivity: async () => {
    const stream = await openStream()
    await stream.event('hello')
    await enrolled()
    await stream.entry('device.enrolled')
    await stream.close()
    return {}
  },
}
