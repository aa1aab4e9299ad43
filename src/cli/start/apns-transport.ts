/**
 * Sends pushes over real HTTP/2 with the push certificate. It serves the Worker's `APNS` binding under `npm
 * start`, because local workerd speaks only HTTP/1.1 and has no client certificates.
 */
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { clock } from '../../clock.ts'

const TIME_OUT = 10_000
const NEVER_FORWARDED = new Set(['connection', 'host', 'transfer-encoding', 'content-length'])

export interface ApnsTransportOptions {
  /** `https://api.push.apple.com`, or a simulated one. */
  url: string
  certificate: string
  key: string
  /** The CA that the server's certificate must descend from, where that is not a public CA. */
  ca?: string | undefined
}

/** The parts of a Request that are used; miniflare's and the global one both fit. */
export interface PushCall {
  url: string
  method: string
  headers: { forEach(visit: (value: string, name: string) => void): void }
  text(): Promise<string>
}

export interface ApnsTransport {
  fetch(request: PushCall): Promise<Response>
  /** Accepts no new requests; those under way may still be answered. */
  retire(): void
  close(): void
}

export function createApnsTransport(options: ApnsTransportOptions): ApnsTransport {
  let current: ClientHttp2Session | undefined
  /** Counts answers. */
  let answered = 0

  function session(): ClientHttp2Session {
    // A destroyed session emits `close` later.
    if (current === undefined || current.destroyed) {
      current = openSession(options, (closed) => {
        if (current === closed) {
          current = undefined
        }
      })
    }
    return current
  }

  async function send(request: PushCall): Promise<Response> {
    try {
      const body = await request.text()
      const answeredBefore = answered
      const opened = session()
      const answer = await exchange(opened, headersOf(request), body, () => {
        // After the machine slept, the connection may be dead without either end noticing.
        if (current === opened && answered === answeredBefore) {
          current = undefined
          opened.close()
        }
      })
      answered += 1
      return answer
    } catch (error) {
      // Without an apns-id it cannot be mistaken for a verdict of Apple's.
      const message = error instanceof Error ? error.message : String(error)
      return new Response(`APNs at ${options.url}: ${message}`, { status: 502 })
    }
  }

  return { fetch: send, retire: () => current?.close(), close: () => current?.destroy() }
}

function openSession(
  options: ApnsTransportOptions,
  forget: (session: ClientHttp2Session) => void,
): ClientHttp2Session {
  const { certificate, key, ca } = options
  const session = connect(options.url, {
    cert: certificate,
    key,
    ...(ca === undefined ? {} : { ca }),
  })
  // Requests under way may still be answered after a GOAWAY; new ones need a new session.
  session.on('goaway', () => forget(session))
  session.on('close', () => forget(session))
  // Each request on it fails with the same error and reports it.
  session.on('error', () => forget(session))
  session.unref()
  return session
}

function headersOf(request: PushCall): Record<string, string> {
  const { pathname } = new URL(request.url)
  const headers: Record<string, string> = { ':method': request.method, ':path': pathname }
  request.headers.forEach((value, name) => {
    if (!NEVER_FORWARDED.has(name) && !name.startsWith('cf-') && !name.startsWith('mf-')) {
      headers[name] = value
    }
  })
  return headers
}

function exchange(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body: string,
  onTimeOut: () => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers)
    let answer: IncomingHttpHeaders = {}
    let text = ''
    const cancelTimer = clock.after(TIME_OUT, () => {
      reject(new Error(`no answer within ${TIME_OUT / 1000} s`))
      stream.close(constants.NGHTTP2_CANCEL)
      onTimeOut()
    })
    stream.setEncoding('utf8')
    stream.on('response', (received) => {
      answer = received
    })
    stream.on('data', (chunk: string) => {
      text += chunk
    })
    stream.on('error', reject)
    stream.on('close', () => {
      cancelTimer()
      const { [constants.HTTP2_HEADER_STATUS]: status, ...fields } = answer
      if (status === undefined) {
        reject(new Error('the connection closed without an answer'))
      } else {
        resolve(toResponse(Number(status), fields, text))
      }
    })
    stream.end(body)
  })
}

function toResponse(status: number, fields: IncomingHttpHeaders, text: string): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') {
      headers.set(name, value)
    }
  }
  return new Response(text === '' ? null : text, { status, headers })
}
