/** The OAuth 1.0 signature of a login (RFC 5849), as `GET /session` checks it. */
import { createHmac } from 'node:crypto'
import { sameSecret } from '../../same-secret.ts'
import { type DepService, AppleRefusal } from './service.ts'
import type { AbmServer } from './state.ts'

const WINDOW = 5 * 60_000
const REQUIRED = [
  'oauth_consumer_key',
  'oauth_token',
  'oauth_signature_method',
  'oauth_timestamp',
  'oauth_nonce',
  'oauth_signature',
] as const
const KNOWN: ReadonlySet<string> = new Set([...REQUIRED, 'oauth_version', 'realm'])

/**
 * The server whose token signed the request. The words are those of the OAuth problem reports that clients
 * have seen. @throws AppleRefusal 400 for parameters, 401 for their values
 */
export function whoseLogin(service: DepService, request: Request): AbmServer {
  const parameters = parametersOf(request.headers.get('authorization') ?? '')
  const { oauth_signature: signature = '', realm: _realm, ...signed } = parameters
  const now = service.oauthNow()
  requireParameters(parameters)
  const consumer = parameters['oauth_consumer_key']
  const server = Object.values(service.state.servers).find(
    ({ consumerKey }) => consumerKey === consumer,
  )
  const token = server?.tokens.find(({ key }) => key === parameters['oauth_token'])
  const nonce = `${consumer} ${parameters['oauth_nonce']} ${parameters['oauth_timestamp']}`
  const checks: readonly (readonly [word: string, holds: boolean])[] = [
    ['consumer_key_unknown', server !== undefined],
    ['token_rejected', token !== undefined && !token.revoked],
    ['token_expired', token !== undefined && service.now() < token.expiresAt],
    ['timestamp_refused', Math.abs(Number(parameters['oauth_timestamp']) * 1000 - now) <= WINDOW],
    ['nonce_used', !service.nonces.has(nonce)],
  ]
  const failed = checks.find(([, holds]) => !holds)
  if (failed || !server || !token) {
    throw new AppleRefusal(401, failed?.[0] ?? 'token_rejected')
  }
  const key = `${percent(server.consumerSecret)}&${percent(token.secret)}`
  const expected = createHmac('sha1', key).update(baseString(request, signed)).digest('base64')
  if (!sameSecret(signature, expected)) {
    throw new AppleRefusal(401, 'signature_invalid')
  }
  service.nonces.add(nonce)
  return server
}

function requireParameters(parameters: Readonly<Record<string, string>>): void {
  const names = Object.keys(parameters)
  if (REQUIRED.some((name) => !parameters[name])) {
    throw new AppleRefusal(400, 'parameter_absent')
  }
  const version = parameters['oauth_version'] ?? '1.0'
  if (names.some((name) => !KNOWN.has(name)) || version !== '1.0') {
    throw new AppleRefusal(400, 'parameter_rejected')
  }
  if (parameters['oauth_signature_method'] !== 'HMAC-SHA1') {
    throw new AppleRefusal(400, 'signature_method_rejected')
  }
}

/** @throws AppleRefusal for a header that cannot be read, or with a parameter twice */
function parametersOf(header: string): Readonly<Record<string, string>> {
  const [, list] = /^OAuth +(.*)$/i.exec(header) ?? []
  const parameters: Record<string, string> = {}
  for (const part of list === undefined ? [] : list.split(',')) {
    const [, name = '', value = ''] = /^\s*([a-z_]+)="([^"]*)"\s*$/i.exec(part) ?? []
    if (name === '' || name in parameters) {
      throw new AppleRefusal(400, 'parameter_rejected')
    }
    parameters[name] = unescaped(value)
  }
  return parameters
}

function unescaped(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    throw new AppleRefusal(400, 'parameter_rejected')
  }
}

/** RFC 5849 §3.4.1, without a body. */
function baseString(request: Request, parameters: Readonly<Record<string, string>>): string {
  const { origin, pathname, searchParams } = new URL(request.url)
  const pairs = [...Object.entries(parameters), ...searchParams].map(
    ([name, value]) => `${percent(name)}=${percent(value)}`,
  )
  return [request.method, origin + pathname, pairs.toSorted().join('&')].map(percent).join('&')
}

/** RFC 5849 §3.6. */
function percent(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
