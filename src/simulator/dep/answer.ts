/** One call of the simulated service: faults on the way there, the answer, faults on the way back. */
import { DEP_CALLS } from './calls.ts'
import { type DepFault, type DepFaults, DroppedConnection, wordBody } from './faults.ts'
import { whoseLogin } from './oauth.ts'
import { blame, type DepCallSeen, AppleRefusal, type DepService } from './service.ts'
import { newSession, openSession } from './sessions.ts'
import type { AbmServer } from './state.ts'

const MOST_CALLS = 10_000

export interface RunningDep extends DepService {
  readonly faults: DepFaults
  readonly calls: DepCallSeen[]
  readonly wait: (ms: number) => Promise<void>
  shift: number
  logins: number
}

/** Answers Apple's calls. @throws DroppedConnection where a fault says so */
export async function serveApple(running: RunningDep, request: Request): Promise<Response> {
  const { method, url, headers } = request
  const { pathname: path } = new URL(url)
  const server = running.sessions.get(headers.get('x-adm-auth-session') ?? '')?.server ?? ''
  const body = await request.text()
  const fault = running.faults.take({ method, path, server })
  const seen = (status: number): void => {
    running.calls.push({ method, path, server, status, body })
    running.calls.splice(0, running.calls.length - MOST_CALLS)
  }
  if (!fault) {
    const answer = answerOf(running, request, body)
    seen(answer.status)
    return answer
  }
  await running.wait(fault.delay ?? 0)
  const { status } = fault
  const isLost = fault.drop === 'request' || status !== undefined
  const answer = isLost
    ? new Response(wordBody(fault), { status: status ?? 500 })
    : answerOf(running, request, body)
  seen(fault.drop === 'request' ? 0 : answer.status)
  if (fault.drop !== undefined) {
    throw new DroppedConnection(`the connection broke at ${method} ${path}`)
  }
  return spoilt(running, answer, fault, server)
}

async function spoilt(
  running: RunningDep,
  answer: Response,
  { headers = {}, truncate = false }: DepFault,
  server: string,
): Promise<Response> {
  const text = await answer.text()
  const body = truncate ? text.slice(0, text.length / 2) : text
  const spoiltAnswer = new Response(body, answer)
  for (const [name, value] of Object.entries(headers)) {
    spoiltAnswer.headers.set(name, value)
    if (name.toLowerCase() === 'retry-after') {
      const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - running.now()
      Object.values(running.state.servers)
        .filter(({ uuid }) => server === '' || uuid === server)
        .forEach((one) => Object.assign(one, { retryAt: running.now() + wait }))
    }
  }
  return spoiltAnswer
}

function answerOf(running: RunningDep, request: Request, body: string): Response {
  try {
    return answerCall(running, request, body)
  } catch (error) {
    if (error instanceof AppleRefusal) {
      return new Response(error.word, {
        status: error.status,
        headers: { 'content-type': 'text/plain;charset=UTF8' },
      })
    }
    throw error
  }
}

/** A product of RFC 9110 §10.1.5: a token, and perhaps its version. */
const USER_AGENT = /^[\w!#$%&'*+.^`|~-]+(\/[\w!#$%&'*+.^`|~-]+)?( [\x20-\x7e]*)?$/
const NEWEST_VERSION = 10

/** @throws AppleRefusal */
function answerCall(running: RunningDep, request: Request, body: string): Response {
  const { headers, method, url } = request
  const { pathname: path, searchParams: query } = new URL(url)
  const agent = headers.get('user-agent') ?? ''
  if (!USER_AGENT.test(agent)) {
    throw new AppleRefusal(400, agent === '' ? 'USER_AGENT_MISSING' : 'USER_AGENT_INVALID')
  }
  const version = Number(headers.get('x-server-protocol-version') ?? Number.NaN)
  if (!Number.isInteger(version)) {
    blame(running, 'no version header', path)
  }
  if (path === '/session') {
    requireMethod(method === 'GET')
    const server = whoseLogin(running, request)
    requirePatience(running, server, path)
    running.logins += 1
    return json({ auth_session_token: newSession(running, server, path) })
  }
  const call = DEP_CALLS.get(`${method} ${path}`)
  if (!call) {
    requireMethod(![...DEP_CALLS.keys()].some((known) => known.endsWith(` ${path}`)))
    throw new AppleRefusal(404, 'NOT_FOUND')
  }
  const { server, next } = openSession(running, headers.get('x-adm-auth-session') ?? '')
  requirePatience(running, server, path)
  const answer = call(running, {
    server,
    version: Math.min(Number.isInteger(version) ? version : 1, NEWEST_VERSION),
    path,
    query,
    body: jsonOf(body),
  })
  return json(answer, next)
}

function requireMethod(isRight: boolean): void {
  if (!isRight) {
    throw new AppleRefusal(405, 'METHOD_NOT_ALLOWED')
  }
}

function requirePatience(running: RunningDep, { retryAt }: AbmServer, path: string): void {
  if (running.now() < retryAt) {
    blame(running, 'before Retry-After', path)
  }
}

/** @throws AppleRefusal for a body that is no JSON object */
function jsonOf(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body || '{}')
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { ...value }
    }
  } catch {
    // The same refusal as for a list.
  }
  throw new AppleRefusal(400, 'MALFORMED_REQUEST_BODY')
}

function json(value: unknown, session?: string): Response {
  return new Response(value === undefined ? null : JSON.stringify(value), {
    headers: {
      'content-type': 'application/json;charset=UTF8',
      ...(session === undefined ? {} : { 'x-adm-auth-session': session }),
    },
  })
}
