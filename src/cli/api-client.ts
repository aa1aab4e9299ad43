import { generateKeyPairSync } from 'node:crypto'
import { type Authority, createAuthority } from '../pki/x509/authority.ts'
import { pem } from '../pki/x509/issue.ts'
import { CliError, messageOf } from './error.ts'

/** A running server and the key to its admin API. */
export interface AdminAccess {
  readonly url: string
  readonly apiKey: string
  /** Instead of the global one. */
  readonly fetch?: typeof fetch
}

export interface InstalledCA {
  readonly subject: string
  readonly id: string
  readonly expires_at: string
  readonly issues: boolean
  readonly imported: boolean
  readonly issued: number
  readonly warning: string | null
}

/** A server that refuses a call, or does not answer: then there is no `status`. */
export class ApiError extends CliError {
  readonly status: number | undefined
  /** Seconds until it may be asked again, if it said so. */
  readonly retryAfter: number
  /** The `code` of a problem document; empty without one. */
  readonly code: string

  constructor(message: string, status?: number, retryAfter = 0, code = '') {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
    this.code = code
  }
}

/** The mode of enrolment, and its links. */
export interface EnrollmentLinks {
  readonly meaning: string
  readonly link: string
  readonly profile_url: string
}

const CA = '/api/ca'
/** A page of devices with their tokens has some more than 4 MB. */
const MOST_MEGABYTES = 16
const MOST_CHARACTERS = 500

/** Where commands look for a server if none is named. */
const LOCAL_SERVER = 'http://127.0.0.1:8787'

/** The server and the key of a command's options. @throws CliError */
export function adminAccess(values: {
  readonly server: string
  readonly 'api-key'?: string | undefined
}): AdminAccess {
  const apiKey = values['api-key'] ?? process.env['API_KEY'] ?? ''
  if (apiKey === '') {
    throw new CliError('--api-key is missing, and API_KEY is not set')
  }
  if (!/^https?:$/.test(URL.parse(values.server)?.protocol ?? '')) {
    throw new CliError(`--server ${values.server}: not an http or https URL`)
  }
  return { url: values.server.replace(/\/+$/, ''), apiKey }
}

/** The CLI makes the key, not the Worker: it takes ten times the CPU that a request has on the free plan. */
export function newAuthority(now: number): Authority {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return createAuthority(privateKey, now)
}

/** @throws CliError when the server cannot be reached */
export async function listCAs(access: AdminAccess): Promise<readonly InstalledCA[]> {
  return authoritiesIn(await callApi(access, CA, { method: 'GET' }))
}

/** @throws CliError when the server refuses it */
export async function installCA(
  access: AdminAccess,
  pair: { readonly certificate: string; readonly key: string },
  facts: { readonly imported: boolean; readonly nextSerial?: number },
): Promise<InstalledCA> {
  const body = JSON.stringify({
    certificate: pair.certificate,
    private_key: pair.key,
    imported: facts.imported,
    next_serial: facts.nextSerial,
  })
  return JSON.parse(await callApi(access, CA, { method: 'POST', body }))
}

/** @throws CliError when the server refuses */
export async function removeCA(access: AdminAccess, keyId: string): Promise<void> {
  await callApi(access, `${CA}/${keyId}`, { method: 'DELETE' })
}

/** @throws CliError when the server cannot be reached */
export async function readEnrollment(access: AdminAccess): Promise<EnrollmentLinks> {
  return JSON.parse(await callApi(access, '/api/enrollment', { method: 'GET' }))
}

export function pemPairOf({ certificate, key }: Authority): { certificate: string; key: string } {
  return {
    certificate: pem('CERTIFICATE', certificate.der),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** An answer's text. @throws ApiError when the server refuses the call, or cannot be reached */
export async function callApi(
  { url, apiKey, fetch: fetchIt = fetch }: AdminAccess,
  path: string,
  init: { readonly method: string; readonly body?: string | Blob; readonly signal?: AbortSignal },
): Promise<string> {
  const lost = (error: unknown): never => {
    if (error instanceof CliError) {
      throw new ApiError(error.message)
    }
    throw new ApiError(`${url} does not answer: ${faultOfConnection(error, url)}`)
  }
  const response = await fetchIt(url + path, {
    ...init,
    headers: { authorization: basicCredentials(apiKey) },
    // A private key goes only to the server that was named.
    redirect: 'manual',
  }).catch(lost)
  const body = await boundedBody(response, url + path, MOST_MEGABYTES).catch(lost)
  const text = new TextDecoder().decode(body)
  const { ok, status, headers } = response
  if (!ok || isPage(text)) {
    throw new ApiError(
      `${url}${path} answered ${status}: ${refusalIn(response, text)}`,
      status,
      Number(headers.get('retry-after')) || 0,
      codeIn(text),
    )
  }
  return text
}

/** A Bearer token cannot have spaces, or letters beyond Latin ones; a key may. */
export function basicCredentials(apiKey: string): string {
  return `Basic ${Buffer.from(`micromdm:${apiKey}`).toString('base64')}`
}

/** The bytes of an answer; of a compressed one, what it holds. @throws CliError when there are more */
export async function boundedBody(
  response: Response,
  url: string,
  megabytes: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let left = megabytes * 1024 * 1024
  for await (const chunk of response.body ?? []) {
    left -= chunk.length
    if (left < 0) {
      throw new CliError(`${url} sent more than ${megabytes} MB, so something else answers there`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Why there is no answer, and what to do. OpenSSL names neither the scheme nor the server. */
function faultOfConnection(error: unknown, url: string): string {
  const cause = causeOf(error)
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const fault = messageOf(cause).trim()
  if (fault.includes('wrong version number')) {
    return 'it takes http, not https'
  }
  if (code === 'ECONNREFUSED') {
    return url === LOCAL_SERVER
      ? 'npm start does not run here. Start it, or name your server: --server https://mdm.example.com'
      : 'nothing runs at this port. Start the server, or correct the URL'
  }
  return code === 'ENOTFOUND' ? 'its name is not in the DNS. Correct the URL' : fault
}

function refusalIn({ status, headers }: Response, text: string): string {
  const to = headers.get('location')
  if (to !== null) {
    return `it leads to ${cut(to)}, so name that server`
  }
  if (status === 401) {
    return 'it has another API key'
  }
  return isPage(text)
    ? 'with a web page, so another server or a login answers there'
    : sentenceIn(text)
}

/** No call of the API answers with HTML. */
function isPage(text: string): boolean {
  return text.trimStart().startsWith('<')
}

/** The cause behind Node's "fetch failed". */
export function causeOf(error: unknown): unknown {
  return error instanceof Error ? (error.cause ?? error) : error
}

/** The sentence of a problem document, or of MicroMDM's face. Any other answer is shown itself. */
export function sentenceIn(text: string): string {
  const { detail, error } = problemIn(text)
  const sentence = detail ?? error
  return cut(typeof sentence === 'string' ? sentence : text.trim())
}

function cut(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text
}

function codeIn(text: string): string {
  const { code } = problemIn(text)
  return typeof code === 'string' ? cut(code) : ''
}

function problemIn(text: string): { detail?: unknown; error?: unknown; code?: unknown } {
  try {
    const problem: unknown = JSON.parse(text)
    return typeof problem === 'object' && problem !== null ? problem : {}
  } catch {
    return {}
  }
}

function authoritiesIn(text: string): readonly InstalledCA[] {
  const answer: { items: InstalledCA[] } = JSON.parse(text)
  return answer.items
}
