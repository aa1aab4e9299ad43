import type { DepPort } from '../../../src/dep/client.ts'

export const NOW = Date.UTC(2026, 5, 1)

/** An answer: a status with a body, and headers. */
export type Scripted = readonly [
  status: number,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
]

export interface Apple {
  readonly port: DepPort
  /** The requests without logins, with their session and body. */
  readonly calls: { path: string; session: string | null; body: string; headers: Headers }[]
  logins: number
  /** Sessions that are accepted. */
  readonly alive: Set<string>
}

/**
 * Apple as far as a client sees it: a login opens the only session that is alive, and a call with another one
 * gets `refusal`. Calls get the scripted answers in turn, then `{}`.
 */
export function scriptedApple(options: {
  readonly answers?: readonly Scripted[]
  readonly login?: Scripted
  readonly refusal?: Scripted
}): Apple {
  const { answers = [], login, refusal = [401, 'UNAUTHORIZED'] } = options
  const line = [...answers]
  const apple: Apple = {
    calls: [],
    logins: 0,
    alive: new Set(),
    port: {
      base: 'https://apple.example',
      now: () => NOW,
      random: (n) => new Uint8Array(n),
      fetch,
    },
  }

  async function fetch(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url)
    const body = await request.text()
    if (pathname === '/session') {
      apple.logins += 1
      apple.alive.clear()
      const session = `session-${apple.logins}`
      if (!login) {
        apple.alive.add(session)
      }
      return responseOf(login ?? [200, { auth_session_token: session }])
    }
    const session = request.headers.get('x-adm-auth-session')
    apple.calls.push({ path: pathname + search, session, body, headers: request.headers })
    return responseOf(apple.alive.has(session ?? '') ? (line.shift() ?? [200, {}]) : refusal)
  }

  return apple
}

function responseOf([status, body = '', headers = {}]: Scripted): Response {
  return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers })
}
