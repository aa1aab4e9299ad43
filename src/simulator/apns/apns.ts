/**
 * A simulated APNs: HTTP/2 over TLS, with Apple's checks and reasons (Apple: "Handling notification
 * responses from APNs"). It wakes the owner of a token.
 */
import { randomUUID, X509Certificate } from 'node:crypto'
import {
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { TLSSocket } from 'node:tls'
import { type ApnsAnswer, apnsRefusal } from './checks.ts'

const HISTORY = 10_000
/** The token that no device has: probes of the way to APNs send it. */
const FALSE_TOKEN = /^0+$/

export interface SimulatedApnsOptions {
  /** PEM of the server's own certificate and key. */
  certificate: string
  key: string
  /** PEM of the one push certificate that is accepted, and the topic in it. */
  clientCertificate: string
  topic: string
  host?: string
  port?: number
  /** Answer 200 for unknown tokens, whose devices are simulated elsewhere. */
  acceptUnknownTokens?: boolean
}

/** How to fail: for one token or all, and for a number of pushes or always. */
export type FailureRule = { token?: string; times?: number } & (
  | ({ fault?: 'answer' | 'no-apns-id' } & ApnsAnswer)
  | { fault: 'silence' | 'reset' | 'goaway' }
)

export interface ReceivedPush {
  token: string
  magic: string | undefined
  headers: IncomingHttpHeaders
  /** The answer; undefined when the failure is not an answer. */
  answer: ApnsAnswer | undefined
  /** Whether a registered device was woken: a wrong magic is answered 200 and wakes no device. */
  woke: boolean
}

export interface SimulatedApns {
  url: string
  port: number
  register(token: string, magic: string, wake: () => void): void
  /** The device is gone: 410, with the moment since when. */
  unregister(token: string, timestamp: number): void
  /** The returned function ends the failure. */
  fail(rule: FailureRule): () => void
  /** The newest pushes, oldest first. */
  received: readonly ReceivedPush[]
  close(): Promise<void>
}

interface Registration {
  magic: string
  wake: () => void
}

interface State {
  options: SimulatedApnsOptions
  fingerprint: string
  registered: Map<string, Registration>
  gone: Map<string, number>
  rules: Map<FailureRule, number>
  received: ReceivedPush[]
}

export async function createSimulatedApns(options: SimulatedApnsOptions): Promise<SimulatedApns> {
  const state: State = {
    options,
    fingerprint: new X509Certificate(options.clientCertificate).fingerprint256,
    registered: new Map(),
    gone: new Map(),
    rules: new Map(),
    received: [],
  }
  const { server, close } = createServer(state)
  const host = options.host ?? '127.0.0.1'
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  return {
    url: `https://${host}:${port}`,
    port,
    register(token, magic, wake) {
      state.gone.delete(token.toLowerCase())
      state.registered.set(token.toLowerCase(), { magic, wake })
    },
    unregister(token, timestamp) {
      state.registered.delete(token.toLowerCase())
      state.gone.set(token.toLowerCase(), timestamp)
    },
    fail(rule) {
      state.rules.set(rule, rule.times ?? Number.POSITIVE_INFINITY)
      return () => {
        state.rules.delete(rule)
      }
    },
    received: state.received,
    close,
  }
}

function createServer(state: State) {
  const { certificate, key } = state.options
  const sessions = new Set<ServerHttp2Session>()
  const server = createSecureServer({
    cert: certificate,
    key,
    // A missing or foreign certificate gets 403 with a reason, as from Apple, and not a refused handshake.
    requestCert: true,
    rejectUnauthorized: false,
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers) => {
    let body = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      body += chunk
    })
    // A client that stops waiting for a silent answer resets the stream.
    stream.on('error', () => stream.destroy())
    stream.on('end', () => receive(state, stream, headers, body))
  })
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const session of sessions) {
        session.destroy()
      }
    })
  return { server, close }
}

function receive(
  state: State,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  body: string,
): void {
  const token = /^\/3\/device\/([^/]*)$/.exec(headers[':path'] ?? '')?.[1]?.toLowerCase() ?? ''
  const magic = magicOf(body)
  const rule = takeRule(state, token)
  const answer =
    rule === undefined ? judgePush(state, stream, headers, token, body) : answerOf(rule)
  const registration = state.registered.get(token)
  const woke = answer?.status === 200 && registration !== undefined && registration.magic === magic
  state.received.push({ token, magic, headers, answer, woke })
  if (state.received.length > HISTORY) {
    state.received.shift()
  }
  if (answer === undefined) {
    breakOff(stream, rule?.fault)
    return
  }
  respond(stream, answer, rule?.fault === 'no-apns-id' ? undefined : idOf(headers))
  if (woke) {
    registration.wake()
  }
}

function judgePush(
  state: State,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  token: string,
  body: string,
): ApnsAnswer {
  const refusal = apnsRefusal(headers, body, magicOf(body), {
    topic: state.options.topic,
    accepted: state.fingerprint,
    presented: clientFingerprint(stream),
  })
  if (refusal !== undefined) {
    return refusal
  }
  const timestamp = state.gone.get(token)
  if (timestamp !== undefined) {
    return { status: 410, reason: 'Unregistered', timestamp }
  }
  const known =
    state.registered.has(token) ||
    (state.options.acceptUnknownTokens === true && !FALSE_TOKEN.test(token))
  return known ? { status: 200 } : { status: 400, reason: 'BadDeviceToken' }
}

function clientFingerprint(stream: ServerHttp2Stream): string | undefined {
  const socket = stream.session?.socket
  return socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.fingerprint256 : undefined
}

function takeRule(state: State, token: string): FailureRule | undefined {
  for (const [rule, left] of state.rules) {
    if (rule.token === undefined || rule.token.toLowerCase() === token) {
      if (left <= 1) {
        state.rules.delete(rule)
      } else {
        state.rules.set(rule, left - 1)
      }
      return rule
    }
  }
  return undefined
}

function answerOf(rule: FailureRule): ApnsAnswer | undefined {
  return 'status' in rule ? rule : undefined
}

function breakOff(stream: ServerHttp2Stream, fault: FailureRule['fault']): void {
  if (fault === 'reset') {
    stream.session?.destroy()
  } else if (fault === 'goaway') {
    stream.session?.goaway()
    stream.session?.destroy()
  }
}

function respond(stream: ServerHttp2Stream, answer: ApnsAnswer, apnsId: string | undefined): void {
  // Its connection may be closed by now.
  if (stream.destroyed) {
    return
  }
  const { status, reason, timestamp, retryAfter } = answer
  stream.respond({
    ':status': status,
    ...(apnsId === undefined ? {} : { 'apns-id': apnsId }),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  })
  stream.end(status === 200 ? '' : JSON.stringify({ reason, timestamp }))
}

function idOf(headers: IncomingHttpHeaders): string {
  const id = headers['apns-id']
  return typeof id === 'string' ? id : randomUUID().toUpperCase()
}

function magicOf(body: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed === 'object' && parsed !== null && 'mdm' in parsed) {
      return typeof parsed.mdm === 'string' ? parsed.mdm : undefined
    }
  } catch {
    return undefined
  }
  return undefined
}
