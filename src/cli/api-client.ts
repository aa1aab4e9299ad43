import { generateKeyPairSync } from 'node:crypto'
import { type Authority, createAuthority } from '../pki/x509/authority.ts'
import { pem } from '../pki/x509/issue.ts'
import { CliError, messageOf } from './error.ts'

/** A running server and the key to its admin API. */
export interface AdminAccess {
  readonly url: string
  readonly apiKey: string
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

/** The mode of enrolment, and its links. */
export interface EnrollmentLinks {
  readonly meaning: string
  readonly link: string
  readonly profile_url: string
}

const CA = '/api/ca'

/** The CLI makes the key, not the Worker: it takes ten times the CPU that a request has on the free plan. */
export function newAuthority(now: number): Authority {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return createAuthority(privateKey, now)
}

/** @throws CliError when the server cannot be reached */
export async function listCAs(access: AdminAccess): Promise<readonly InstalledCA[]> {
  return authoritiesIn(await call(access, CA, { method: 'GET' }))
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
  return JSON.parse(await call(access, CA, { method: 'POST', body }))
}

/** @throws CliError when the server refuses */
export async function removeCA(access: AdminAccess, keyId: string): Promise<void> {
  await call(access, `${CA}/${keyId}`, { method: 'DELETE' })
}

/** @throws CliError when the server cannot be reached */
export async function readEnrollment(access: AdminAccess): Promise<EnrollmentLinks> {
  return JSON.parse(await call(access, '/api/enrollment', { method: 'GET' }))
}

export function pemPairOf({ certificate, key }: Authority): { certificate: string; key: string } {
  return {
    certificate: pem('CERTIFICATE', certificate.der),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

async function call(
  { url, apiKey }: AdminAccess,
  path: string,
  init: { readonly method: string; readonly body?: string },
): Promise<string> {
  const authorization = `Basic ${Buffer.from(`micromdm:${apiKey}`).toString('base64')}`
  const response = await fetch(url + path, {
    ...init,
    headers: { authorization },
    // A private key goes only to the server that was named.
    redirect: 'manual',
  }).catch((error: unknown) => {
    throw new CliError(`${url} does not answer: ${messageOf(causeOf(error))}`)
  })
  const text = await response.text()
  if (!response.ok) {
    throw new CliError(`${url}${path} answered ${response.status}: ${detailIn(text)}`)
  }
  return text
}

/** The cause behind Node's "fetch failed". */
function causeOf(error: unknown): unknown {
  return error instanceof Error ? (error.cause ?? error) : error
}

/** The sentence of a problem document. Any other answer is shown unchanged. */
function detailIn(text: string): string {
  try {
    const { detail }: { detail?: unknown } = JSON.parse(text)
    return typeof detail === 'string' ? detail : text.trim()
  } catch {
    return text.trim()
  }
}

function authoritiesIn(text: string): readonly InstalledCA[] {
  const answer: { items: InstalledCA[] } = JSON.parse(text)
  return answer.items
}
