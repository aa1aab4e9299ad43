/** A team of Cloudflare Access: its keys, which the outside of the Worker serves, and its tokens. */
import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { clock } from './clock.ts'
import { ask, CONSOLE } from './keys-api-tools.ts'
import { api, rule, seen } from './server.ts'

export const AUD = 'ab'.repeat(32)
const HOUR = 3600

/** Making one takes a while, so tests share them. */
export const KEY = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const NEXT_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 })

export function jwk(kid: string, { publicKey }: { publicKey: KeyObject }) {
  return { kid, alg: 'RS256', use: 'sig', ...publicKey.export({ format: 'jwk' }) }
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

export interface Team {
  readonly host: string
  readonly vars: Record<string, string>
  claims(more?: object): object
  /** What the next reads of the keys are answered. */
  serve(body: string | object, more?: { status?: number; times?: number }): Promise<void>
  /** How often the keys were read. */
  reads(): Promise<number>
  /** A sign-in with a token in the header. */
  signIn(token?: string, vars?: object): Promise<Response>
}

let count = 0

/** A team that no other test uses: each isolate keeps the keys of one. */
export function newTeam(): Team {
  const name = `team-${(count += 1)}-${crypto.randomUUID().slice(0, 8)}`
  const host = `${name}.cloudflareaccess.com`
  const vars = { ACCESS_TEAM: name, ACCESS_AUD: AUD }
  return {
    host,
    vars,
    claims(more = {}) {
      const now = Math.floor(clock.now() / 1000)
      const times = { iat: now, nbf: now, exp: now + 24 * HOUR }
      return { aud: [AUD], email: 'ada@example.com', iss: `https://${host}`, ...times, ...more }
    },
    async serve(body, { status = 200, times = 1 } = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      await rule({ on: 'webhook', match: host, status, times, body: text })
    },
    async reads() {
      return (await seen(host)).length
    },
    signIn(token, its = vars) {
      const headers = {
        ...CONSOLE,
        ...(token !== undefined && { 'cf-access-jwt-assertion': token }),
      }
      return ask('/console/session', { method: 'POST', headers, body: '{}' }, its)
    },
  }
}

/** A token as Cloudflare makes it. */
export function tokenOf(claims: object, { kid = 'one', key = KEY.privateKey, head = {} } = {}) {
  const signed = `${part({ alg: 'RS256', typ: 'JWT', kid, ...head })}.${part(claims)}`
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
}

/** One that is signed with the public key as if it were a shared secret. */
export function confusedToken(claims: object): string {
  const signed = `${part({ alg: 'HS256', typ: 'JWT', kid: 'one' })}.${part(claims)}`
  const secret = KEY.publicKey.export({ type: 'spki', format: 'pem' })
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

export function unsignedToken(claims: object): string {
  return `${part({ alg: 'none', typ: 'JWT', kid: 'one' })}.${part(claims)}.`
}

/** An admin gives scopes to a person. */
export async function addPerson(
  scopes: readonly string[] = ['read'],
  more: object = {},
): Promise<string> {
  const given = { email: 'ada@example.com', scopes, ...more }
  return (await api<{ id: string }>('POST', '/api/keys/people', given)).body.id
}
