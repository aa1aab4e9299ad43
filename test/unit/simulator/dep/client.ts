/** A client of its own for the simulated service: it does what a test says, good or bad. */
import { createHmac } from 'node:crypto'
import { createSimulatedDep, type SimulatedDep } from '../../../../src/simulator/dep/dep.ts'
import type { SimulatedDepOptions } from '../../../../src/simulator/dep/dep.ts'

export const START = Date.UTC(2026, 10, 28, 10)
const BASE = 'https://mdmenrollment.apple.com'

export interface Answer {
  readonly status: number
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- each test knows the shape of its answer
  readonly json: any
  readonly headers: Headers
}

export interface Client {
  readonly dep: SimulatedDep
  session: string
  version: string | undefined
  login(token: Readonly<Record<string, string>>, change?: Change): Promise<Answer>
  call(method: string, path: string, body?: unknown): Promise<Answer>
}

/** Changes the parameters before they are signed, and the header after. */
interface Change {
  readonly parameters?: Readonly<Record<string, string>>
  readonly header?: (header: string) => string
}

/** A service at a time that stands still, and a client with a session of its first server. */
export async function newClient(options: SimulatedDepOptions = {}): Promise<Client> {
  const dep = createSimulatedDep({ now: () => START, wait: async () => undefined, ...options })
  const client = clientOf(dep)
  await client.login(dep.newToken())
  return client
}

export function clientOf(dep: SimulatedDep): Client {
  const client: Client = { dep, session: '', version: '10', login, call }

  async function login(token: Readonly<Record<string, string>>, change: Change = {}) {
    const answer = await send('GET', '/session', {
      authorization: authorization(token, change),
    })
    client.session = answer.json?.auth_session_token ?? client.session
    return answer
  }

  async function call(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await send(method, path, { 'x-adm-auth-session': client.session }, body)
    client.session = answer.headers.get('x-adm-auth-session') ?? client.session
    return answer
  }

  async function send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: unknown,
  ): Promise<Answer> {
    const { version } = client
    const response = await dep.handle(
      new Request(BASE + path, {
        method,
        headers: {
          'user-agent': 'test/1',
          ...(version === undefined ? {} : { 'x-server-protocol-version': version }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
    const text = await response.text()
    return { status: response.status, text, json: jsonOf(text), headers: response.headers }
  }

  return client
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

let nonces = 0

/** RFC 5849 by hand; the values here need escaping only where it is done. */
export function authorization(
  token: Readonly<Record<string, string>>,
  { parameters = {}, header = (same) => same }: Change = {},
): string {
  nonces += 1
  const all: Record<string, string> = {
    oauth_consumer_key: token['consumer_key'] ?? '',
    oauth_nonce: `n${nonces}`,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(START / 1000),
    oauth_token: token['access_token'] ?? '',
    oauth_version: '1.0',
    ...parameters,
  }
  const pairs = Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .toSorted()
  const text = ['GET', `${BASE}/session`, pairs.join('&')].map(encodeURIComponent).join('&')
  const signature = createHmac('sha1', `${token['consumer_secret']}&${token['access_secret']}`)
    .update(text)
    .digest('base64')
  const fields = Object.entries({ ...all, oauth_signature: encodeURIComponent(signature) })
  return header(`OAuth realm="ADM", ${fields.map(([k, v]) => `${k}="${v}"`).join(', ')}`)
}
