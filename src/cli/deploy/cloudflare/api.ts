/** Cloudflare's REST API, for what `wrangler` does not tell a program. */
import { causeOf } from '../../api-client.ts'
import { CliError, messageOf } from '../../error.ts'
import type { Environment } from '../../settings.ts'

const DEFAULT_BASE = 'https://api.cloudflare.com/client/v4'
const TRIES = 3
const BETWEEN_TRIES = 1000
const TIME_OUT = 30_000

export interface CloudflareApi {
  /** The body of an answer; undefined where there is nothing (404). @throws CloudflareError */
  readonly read: (path: string) => Promise<string | undefined>
  /** @throws CloudflareError */
  readonly send: (
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
  ) => Promise<string>
}

/** A call that Cloudflare refuses, or that it does not answer: then `status` is 0. */
export class CloudflareError extends CliError {
  readonly status: number
  readonly path: string

  constructor(message: string, status: number, path: string) {
    super(message)
    this.status = status
    this.path = path
  }
}

/** How a call proves who it comes from. */
export type Credentials = Readonly<Record<string, string>>

/** Credentials of the environment, which come before those of a login, as for wrangler. */
export function credentialsIn(env: Environment): Credentials | undefined {
  const { CLOUDFLARE_API_TOKEN: token, CLOUDFLARE_API_KEY: key, CLOUDFLARE_EMAIL: email } = env
  if (token) {
    return { authorization: `Bearer ${token}` }
  }
  return key && email ? { 'x-auth-key': key, 'x-auth-email': email } : undefined
}

export interface ApiEffects {
  readonly env: Environment
  readonly fetch: typeof fetch
  readonly sleep: (milliseconds: number) => Promise<unknown>
}

/** Calls are repeated when Cloudflare has a fault, or asks for patience. Each one may be repeated. */
export function createCloudflareApi(
  credentials: Credentials,
  { env, fetch: fetchIt, sleep }: ApiEffects,
): CloudflareApi {
  const base = env['CLOUDFLARE_API_BASE_URL'] ?? DEFAULT_BASE
  const once = async (method: string, path: string, body?: unknown): Promise<string> => {
    const lost = (error: unknown): never => {
      const reason = messageOf(causeOf(error))
      throw new CloudflareError(`${new URL(base).host} does not answer: ${reason}`, 0, path)
    }
    const response = await fetchIt(base + path, {
      method,
      headers: { ...credentials, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIME_OUT),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(lost)
    const text = await response.text().catch(lost)
    if (!response.ok) {
      const said = `${method} ${path} answered ${response.status}: ${complaintIn(text)}`
      throw new CloudflareError(said, response.status, path)
    }
    return text
  }
  const patient = async (method: string, path: string, body?: unknown): Promise<string> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(method, path, body)
      } catch (error) {
        if (attempt === TRIES || !(error instanceof CloudflareError) || !isPassing(error)) {
          throw error
        }
        await sleep(BETWEEN_TRIES * attempt)
      }
    }
  }
  return {
    read: (path) =>
      patient('GET', path).catch((error: unknown) => {
        if (error instanceof CloudflareError && error.status === 404) {
          return undefined
        }
        throw error
      }),
    send: patient,
  }
}

function isPassing({ status }: CloudflareError): boolean {
  return status === 0 || status === 429 || status >= 500
}

/** `message [code: 10000]`, as wrangler shows it. */
function complaintIn(text: string): string {
  try {
    const { errors = [] }: { errors?: { code: number; message: string }[] } = JSON.parse(text)
    return errors.map(({ code, message }) => `${message} [code: ${code}]`).join(', ')
  } catch {
    return text.slice(0, 200)
  }
}

export interface AccountRef {
  readonly id: string
  readonly name: string
}

/** The accounts that the credentials may use. */
export async function listCloudAccounts(api: CloudflareApi): Promise<readonly AccountRef[]> {
  const { result }: { result: AccountRef[] } = JSON.parse(
    (await api.read('/accounts?per_page=50')) ?? '{"result":[]}',
  )
  return result.map(({ id, name }) => ({ id, name }))
}
