/** API keys and sessions: how tests make them, and what has to be there for the examples of the API. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import worker from '../../src/index.ts'
import type { Env } from '../../src/env.ts'
import { api, env } from './server.ts'

export interface ShownKey {
  id: string
  name: string
  scopes: string[]
  key: string
  warning: string | null
  state: string
  current: boolean
  expires_at: string | null
  old_secret_until: string | null
}

/** A new key, under a name of its own. */
export async function newKey(scopes: readonly string[], more: object = {}): Promise<ShownKey> {
  const body = { name: crypto.randomUUID(), scopes, ...more }
  return (await api<ShownKey>('POST', '/api/keys', body)).body
}

export async function revokeAll(): Promise<void> {
  const { body } = await api<{ items: { id: string }[] }>('GET', '/api/keys')
  await Promise.all(body.items.map(({ id }) => api('DELETE', `/api/keys/${id}`)))
}

/** Answers once all that the Worker does behind its answer is done. */
export async function ask(
  path: string,
  init: RequestInit = {},
  vars: object = {},
): Promise<Response> {
  const context = createExecutionContext()
  const request = new Request(new URL(path, 'https://mdm.test'), init)
  const its = { ...env, ...vars } as unknown as Env
  const response = (await worker.fetch(request, its, context)) as Response
  await waitOnExecutionContext(context)
  return response
}

export const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } })

/** The status of a request with this key. */
export async function statusOf(key: string, vars: object = {}): Promise<number> {
  return (await ask('/api/whoami', bearer(key), vars)).status
}

/** The object of keys, behind something that is asked before each call of it. */
export function controlBehind(before: (method: string) => void) {
  const real = env.CONTROL.getByName('control')
  const stub = new Proxy(real, {
    get: (_, name) => {
      const call: unknown = Reflect.get(real, name)
      return async (...given: unknown[]): Promise<unknown> => {
        before(String(name))
        return typeof call === 'function' ? Reflect.apply(call, real, given) : undefined
      }
    },
  })
  return { CONTROL: { getByName: () => stub } }
}

export const CONSOLE: Record<string, string> = { 'x-edgemdm': 'console' }

export function signIn(key: string, who = 'Ada', headers = CONSOLE, origin = '') {
  const body = JSON.stringify({ key, who })
  return ask(`${origin}/console/session`, { method: 'POST', headers, body })
}

/** The cookie of a new session, as a browser sends it. */
export async function cookieOf(key: string, who = 'Ada'): Promise<string> {
  const response = await signIn(key, who)
  return response.headers.get('set-cookie')?.split(';')[0] ?? ''
}

export function withCookie(
  cookie: string,
  path: string,
  init: RequestInit = {},
  vars: object = {},
) {
  const headers = { ...CONSOLE, cookie, ...(init.headers as Record<string, string>) }
  return ask(path, { ...init, headers }, vars)
}

const keyed = async () => ({ ids: { id: (await newKey(['read'])).id } })

/** Of the key of the tests. */
const signedIn = async () => {
  await cookieOf('test-key')
  const { body } = await api<{ items: { id: string }[] }>('GET', '/api/sessions')
  return { ids: { id: body.items[0]?.id ?? '' } }
}

export const KEYS = {
  listKeys: keyed,
  getKey: keyed,
  createKey: async () => {
    await revokeAll()
    return {}
  },
  addPerson: async () => {
    await revokeAll()
    return {}
  },
  rollKey: keyed,
  revokeKey: keyed,
  whoami: async () => ({}),
  listSessions: signedIn,
  closeSession: signedIn,
  listSettings: async () => ({}),
}
