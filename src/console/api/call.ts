import { isOffline, noteRequest } from './connection.ts'
import { faultOf, noAnswer, OTHER_PERSON, type Fault } from './fault.ts'
import { personIn, sessionState, signedOut, whenSignedIn } from './session.ts'
import type { AnswerOf, Method, Parameters, Paths, PathWith } from './types.ts'

export type Answer<Value> =
  | { readonly ok: true; readonly value: Value; readonly headers: Headers }
  | { readonly ok: false; readonly fault: Fault }

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
}

type Sent<M extends Method, P extends PathWith<M>> = Parameters<Paths[P][M]> & CallOptions

/** Reads what an operation of the API answers. */
export function get<P extends PathWith<'get'>>(
  path: P,
  sent: Sent<'get', P>,
): Promise<Answer<AnswerOf<Paths[P]['get']>>> {
  return call('get', path, sent)
}

/**
 * Lets the API do something. A repeated click sends the same `Idempotency-Key`, if the form gives one.
 * Without a connection it sends nothing, and keeps nothing for later.
 */
export async function send<M extends Exclude<Method, 'get'>, P extends PathWith<M>>(
  method: M,
  path: P,
  sent: Sent<M, P>,
): Promise<Answer<AnswerOf<Paths[P][M]>>> {
  return isOffline.value ? { ok: false, fault: noAnswer() } : call(method, path, sent)
}

interface AnyParameters extends CallOptions {
  readonly path?: object
  readonly query?: unknown
  readonly body?: unknown
}

async function call<Value>(
  method: Method,
  path: string,
  { path: names, query, body, signal, headers }: AnyParameters,
): Promise<Answer<Value>> {
  const answered = await request(addressOf(path, names, query), {
    method: method.toUpperCase(),
    headers: {
      ...headers,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  })
  if (!answered.ok) {
    return answered
  }
  const text = await answered.value.text().catch(() => undefined)
  if (text === undefined) {
    return { ok: false, fault: noAnswer() }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own server's answer
  const value = (text === '' ? undefined : JSON.parse(text)) as Value
  return { ok: true, value, headers: answered.headers }
}

/**
 * Sends a request with the session. Without one it waits for the sign-in, then sends it again: a request that
 * got 401 has done nothing. What one person was about to change is not done in the name of another.
 */
export async function request(
  address: string,
  init: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer<Response>> {
  const person = personIn(sessionState.value)
  for (;;) {
    const noteAnswer = noteRequest()
    const response = await fetch(address, {
      ...init,
      headers: { ...init.headers, 'x-edgemdm': 'console' },
      // A sign-in in front of the server leads elsewhere.
      redirect: 'manual',
      cache: 'no-store',
    }).catch(() => undefined)
    if (response || !init.signal?.aborted) {
      noteAnswer(response !== undefined)
    }
    if (!response) {
      return { ok: false, fault: noAnswer() }
    }
    if (response.ok) {
      return { ok: true, value: response, headers: response.headers }
    }
    const { status } = response
    if (status !== 401) {
      // A redirect that is not followed hides its status.
      const text = await response.text().catch(() => '')
      return { ok: false, fault: faultOf(status || 302, text) }
    }
    signedOut()
    await whenSignedIn()
    const isChange = init.method !== undefined && init.method !== 'GET'
    if (isChange && personIn(sessionState.value) !== person) {
      return { ok: false, fault: OTHER_PERSON }
    }
  }
}

/** The address of an operation: `/api/devices/{id}` with its names and its query. */
export function addressOf(path: string, names: object = {}, query: unknown = {}): string {
  const known = new Map<string, unknown>(Object.entries(names))
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(wordOf(known.get(name))),
  )
  const words = Object.entries(typeof query === 'object' && query !== null ? query : {})
    .filter(([, value]) => value !== undefined && value !== null && wordOf(value) !== '')
    .map(([name, value]) => [name, wordOf(value)])
  const search = new URLSearchParams(words).toString()
  return search === '' ? filled : `${filled}?${search}`
}

/** A list stands between commas. */
function wordOf(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value)
}
