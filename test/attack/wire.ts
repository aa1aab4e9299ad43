/** HTTP/1.1 byte by byte: what a client library would refuse to send. */
import { connect } from 'node:net'
import { within } from '../e2e/server.ts'

export interface WireRequest {
  readonly method: string
  /** Path and query, as they stand in the request line. */
  readonly target: string
  /** Beside `Host`, `Connection` and the body's length, unless one of them is given here. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
  /** Sent without its end: the head promises more, or the last chunk is missing. */
  readonly unfinished?: boolean
}

/** `status` is 0 when the server closed the connection without an answer. */
export interface WireAnswer {
  readonly status: number
  readonly text: string
}

/** One request on a connection of its own. @throws when no answer came within `patience` */
export async function callRaw(
  origin: string,
  request: WireRequest,
  patience?: number,
): Promise<WireAnswer> {
  const { hostname, port, host } = new URL(origin)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    if (request.unfinished === true && Buffer.concat(chunks).includes('\r\n\r\n')) {
      socket.destroy()
    }
  })
  // A server may answer and close before it has read all.
  socket.on('error', () => socket.destroy())
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(headOf(request, host))
  socket.write(request.body)
  try {
    await within(
      closed,
      () => `no answer to ${request.method} ${request.target.slice(0, 200)}`,
      patience,
    )
  } finally {
    socket.destroy()
  }
  const text = Buffer.concat(chunks).toString('latin1')
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text: bodyOf(text) }
}

function headOf({ method, target, headers, body }: WireRequest, host: string): Buffer {
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const own: readonly (readonly [string, string])[] = [
    ['Host', host],
    ['Connection', 'close'],
    ...(body.length === 0 || given.has('transfer-encoding')
      ? []
      : [['Content-Length', String(body.length)] as const]),
  ]
  const all = [...own.filter(([name]) => !given.has(name.toLowerCase())), ...headers]
  const lines = [`${method} ${target} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`)]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** The body as UTF-8, its chunks put together. */
function bodyOf(answer: string): string {
  const end = answer.indexOf('\r\n\r\n')
  const body = end === -1 ? '' : answer.slice(end + 4)
  const whole = /^transfer-encoding: *chunked/im.test(answer.slice(0, end)) ? unchunked(body) : body
  return Buffer.from(whole, 'latin1').toString()
}

function unchunked(body: string): string {
  let whole = ''
  for (let rest = body; rest !== '';) {
    const length = Number.parseInt(rest, 16)
    const at = rest.indexOf('\r\n') + 2
    if (!(length > 0) || at === 1) {
      break
    }
    whole += rest.slice(at, at + length)
    rest = rest.slice(at + length + 2)
  }
  return whole
}
