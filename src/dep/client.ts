/** Calls Apple's service for device assignment: one session, the headers, and answers as data. */
import { Buffer } from 'node:buffer'
import { boundedText } from '../bounded-text.ts'
import { errorWord } from './error-word.ts'
import { oauth1Header } from './oauth1.ts'
import type { DepToken } from './records.ts'

export interface DepPort {
  /** Ends after a time limit of the caller. */
  fetch(request: Request): Promise<Response>
  /** Milliseconds since 1970. */
  now(): number
  random(bytes: number): Uint8Array
  /** Without a slash at the end. */
  readonly base: string
}

export interface DepCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With its query. */
  readonly path: string
  readonly body?: unknown
}

/** The one session of an account. All calls share the object, so that a dead session costs one login. */
export interface DepLine {
  session: string | undefined
  /** A login that is under way. */
  login?: Promise<DepRefusal | undefined> | undefined
}

/** Apple answered with an error. */
export interface DepRefused {
  readonly kind: 'refused'
  /** `session`: at the login. */
  readonly at: 'session' | 'call'
  readonly status: number
  /** Apple's word in capitals; empty when there is none. */
  readonly code: string
  /** No call may be made before it (milliseconds). */
  readonly retryAt?: number
  readonly session?: string
}

/** No answer, an error of the server, or an answer that cannot be read. */
export interface DepUnreachable {
  readonly kind: 'unreachable'
  readonly reason: string
}

export type DepRefusal = DepRefused | DepUnreachable

export type DepAnswer =
  | {
      readonly kind: 'ok'
      readonly status: number
      /** Undefined for an empty body. */
      readonly json: unknown
      /** The newest one: it has to be stored. */
      readonly session: string | undefined
    }
  | DepRefusal

export const DEP_USER_AGENT = 'EdgeMDM/0.2.0'
/** The newest `X-Server-Protocol-Version`: the answer to an assignment tells when to retry. */
const PROTOCOL_VERSION = '10'
const SESSION = 'x-adm-auth-session'
/** A page of 1,000 devices has about 1 MB. */
const MAX_ANSWER_BYTES = 8_000_000
/** Words of a 403 for a session that has ended. Others (`T_C_NOT_SIGNED`) must not start a login. */
const SESSION_ENDED: ReadonlySet<string> = new Set(['FORBIDDEN', 'EXPIRED_TOKEN'])
/** A deadline beyond it is a mistake, and would stop the account. */
const MAX_WAIT = 7 * 86_400_000
/** Our word for a token whose time has passed: Apple is not asked. */
export const ACCESS_TOKEN_EXPIRED = 'ACCESS_TOKEN_EXPIRED'

/**
 * Sends one call. Without a session, or with one that Apple refuses, it logs in once and repeats the call
 * once. `line.session` holds the newest session afterwards. Errors of Apple and of the network are answers;
 * retries in time are decided by `depStandingAfter`.
 */
export async function callDep(
  port: DepPort,
  token: DepToken,
  line: DepLine,
  call: DepCall,
): Promise<DepAnswer> {
  if (token.expiresAt <= port.now()) {
    return { kind: 'refused', at: 'session', status: 401, code: ACCESS_TOKEN_EXPIRED }
  }
  const used = line.login ? undefined : line.session
  const first = used === undefined ? undefined : await send(port, line, call, used)
  if (first && !isSessionEnded(first)) {
    return first
  }
  const session = await renew(port, token, line, used)
  return typeof session === 'string' ? send(port, line, call, session) : session
}

function isSessionEnded(answer: DepAnswer): boolean {
  return (
    answer.kind === 'refused' &&
    (answer.status === 401 || (answer.status === 403 && SESSION_ENDED.has(answer.code)))
  )
}

/** Another session than the one that was refused: that of another call, or a new one. */
async function renew(
  port: DepPort,
  token: DepToken,
  line: DepLine,
  refused: string | undefined,
): Promise<string | DepRefusal> {
  if (line.login || line.session === undefined || line.session === refused) {
    line.login ??= logIn(port, token, line).finally(() => {
      line.login = undefined
    })
    const fault = await line.login
    if (fault) {
      return fault
    }
  }
  return line.session ?? { kind: 'unreachable', reason: 'the answer to the login has no session' }
}

async function logIn(
  port: DepPort,
  token: DepToken,
  line: DepLine,
): Promise<DepRefusal | undefined> {
  const url = `${port.base}/session`
  const nonce = Buffer.from(port.random(16)).toString('hex')
  const authorization = oauth1Header(token, url, Math.floor(port.now() / 1000), nonce)
  const answer = await exchange(port, url, { method: 'GET', headers: { authorization } })
  line.session = undefined
  if (answer.kind !== 'ok') {
    return answer.kind === 'refused' ? { ...answer, at: 'session' } : answer
  }
  const { json } = answer
  if (json instanceof Object && 'auth_session_token' in json) {
    line.session = sessionIn(json.auth_session_token)
  }
  return undefined
}

/** A session that no header can carry would make each further call fail, without a login. */
function sessionIn(said: unknown): string | undefined {
  return typeof said === 'string' && /^[!-~]{1,4096}$/.test(said) ? said : undefined
}

async function send(
  port: DepPort,
  line: DepLine,
  { method, path, body }: DepCall,
  session: string,
): Promise<DepAnswer> {
  const answer = await exchange(port, port.base + path, {
    method,
    headers: { [SESSION]: session },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  if (answer.kind === 'unreachable') {
    return answer
  }
  // A late answer to a call with an older session does not bring that one back.
  if (answer.session !== undefined && line.session === session) {
    line.session = answer.session
  }
  return line.session === undefined ? answer : { ...answer, session: line.session }
}

async function exchange(
  port: DepPort,
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
): Promise<DepAnswer> {
  const headers = {
    ...init.headers,
    accept: 'application/json;charset=UTF8',
    'content-type': 'application/json;charset=UTF8',
    'user-agent': DEP_USER_AGENT,
    'x-server-protocol-version': PROTOCOL_VERSION,
  }
  let response: Response
  let text: string | undefined
  try {
    response = await port.fetch(new Request(url, { ...init, headers, redirect: 'manual' }))
    text = await boundedText(response, MAX_ANSWER_BYTES)
  } catch {
    return { kind: 'unreachable', reason: 'Apple’s service does not answer' }
  }
  if (text === undefined) {
    return { kind: 'unreachable', reason: `the answer has more than ${MAX_ANSWER_BYTES} bytes` }
  }
  return response.ok ? accepted(response, text) : declined(response, text, port.now())
}

function accepted(response: Response, text: string): DepAnswer {
  const session = sessionIn(response.headers.get(SESSION))
  try {
    const json: unknown = text.trim() === '' ? undefined : JSON.parse(text)
    return { kind: 'ok', status: response.status, json, session }
  } catch {
    return { kind: 'unreachable', reason: 'the answer is not JSON' }
  }
}

function declined({ status, headers }: Response, text: string, now: number): DepRefusal {
  const retryAt = retryTime(headers.get('retry-after'), now)
  if (status < 400 || (status >= 500 && retryAt === undefined)) {
    return { kind: 'unreachable', reason: `the answer has status ${status}` }
  }
  const session = sessionIn(headers.get(SESSION))
  return {
    kind: 'refused',
    at: 'call',
    status,
    code: errorWord(text),
    ...(retryAt !== undefined && { retryAt }),
    ...(session !== undefined && { session }),
  }
}

/** `Retry-After` (RFC 9110 §10.2.3), seconds or a date, as milliseconds since 1970. */
function retryTime(header: string | null, now: number): number | undefined {
  if (header === null) {
    return undefined
  }
  const at = /^\s*\d{1,9}\s*$/.test(header) ? now + Number(header) * 1000 : Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.min(Math.max(at, now), now + MAX_WAIT)
}
