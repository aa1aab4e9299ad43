import { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'

/**
 * One kept HTTP/1.1 connection, one request at a time, answers read no further than they must be: a load
 * generator that shares two cores with the server may not cost more than it.
 */
export interface Connection {
  /** Writes a whole request; resolves with status and body. */
  send(request: Uint8Array): Promise<Answer>
  close(): void
}

export interface Answer {
  readonly status: number
  readonly body: Buffer
}

const HEADER_END = Buffer.from('\r\n\r\n')

export async function open(url: URL): Promise<Connection> {
  let socket = await connected(url)
  return {
    async send(request) {
      if (socket.destroyed) {
        socket = await connected(url)
      }
      return exchange(socket, request)
    },
    close: () => socket.destroy(),
  }
}

function connected(url: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    socket.once('connect', () => resolve(socket)).once('error', reject)
  })
}

function exchange(socket: Socket, request: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const done = (settle: () => void): void => {
      socket.off('data', take).off('error', fail).off('close', fail)
      settle()
    }
    const fail = (error?: unknown): void =>
      done(() => reject(error instanceof Error ? error : new Error('the connection was closed')))
    const take = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const answer = readAnswer(received)
      if (answer) {
        done(() => resolve(answer))
      }
    }
    socket.on('data', take).on('error', fail).on('close', fail)
    socket.write(request)
  })
}

/** A whole answer, if it is there; workerd sends a length or chunks. */
function readAnswer(received: Buffer): Answer | undefined {
  const end = received.indexOf(HEADER_END)
  if (end === -1) {
    return undefined
  }
  const head = received.toString('latin1', 0, end)
  const status = Number(head.slice(9, 12))
  const rest = received.subarray(end + HEADER_END.length)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    return rest.length >= Number(length) ? { status, body: rest } : undefined
  }
  return rest.subarray(-5).toString('latin1') === '0\r\n\r\n'
    ? { status, body: unchunked(rest) }
    : undefined
}

function unchunked(rest: Buffer): Buffer {
  const parts: Buffer[] = []
  let at = 0
  while (at < rest.length) {
    const lineEnd = rest.indexOf('\r\n', at)
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16)
    parts.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
  return Buffer.concat(parts)
}

/** A request's bytes, made once and sent often. */
export function requestOf(
  url: URL,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Uint8Array {
  const lines = [
    `${method} ${url.pathname}${url.search} HTTP/1.1`,
    `host: ${url.host}`,
    `content-length: ${body.length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    '',
  ]
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body])
}
