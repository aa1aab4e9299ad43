/**
 * A service that signs requests for push certificates as their MDM vendor, and mails the result. The protocol
 * is that of mdmcert.download (docs/push-certificate.md).
 */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openEnvelope, readEnvelope } from '../../pki/cms/enveloped-data.ts'
import { readCertificate, readPem } from '../../pki/x509/certificate.ts'
import { issueCertificate, pem, randomSerial } from '../../pki/x509/issue.ts'
import { newKey } from '../../simulator/device/identity.ts'
import { causeOf } from '../api-client.ts'
import { CliError, messageOf } from '../error.ts'
import { keepPair, type PemPair } from '../state.ts'

export interface SigningOrder {
  readonly folder: string
  /** PEM of the request. */
  readonly csr: string
  /** The address that is registered at the service, to which it mails. */
  readonly email: string
  /** Tells the service which client software asks. */
  readonly clientKey: string
  /** Without a path. */
  readonly url: string
  readonly fetch: typeof fetch
  readonly now: number
}

export const SERVICE = 'https://mdmcert.download'

const DAY = 86_400_000
const EXCHANGE = 'exchange'
const EXCHANGE_DAYS = 365
/** A mail can take days, and its certificate has to be valid when the service encrypts. */
const LEAST_DAYS = 30
const TIMEOUT = 30_000
const MAX_ANSWER = 64_000
const MAX_SHOWN = 2000
/** A signed request has about 10 KB; in hex and encrypted, about 30. */
const MAX_MAIL = 1_000_000
const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost'])

/** Sends the request. The service mails its answer. @throws CliError with the words of a refusal */
export async function orderSignature(order: SigningOrder): Promise<void> {
  const url = URL.parse('/api/v1/signrequest', order.url)
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && LOOPBACK.has(url.hostname))) {
    throw new CliError(`--mdmcert-url ${order.url}: neither an https URL nor one of this machine`)
  }
  const exchange = exchangePair(order.folder, order.now)
  const body = {
    csr: btoa(order.csr),
    email: order.email,
    key: order.clientKey,
    encrypt: btoa(exchange.certificate),
  }
  const { status, text } = await post(order.fetch, url, JSON.stringify(body))
  const { result, reason } = resultIn(text)
  if (status !== 200 || result !== 'success') {
    const said = reason ?? (text.trim() === '' ? 'nothing' : text.trim())
    throw new CliError(
      `${url.host} did not take the request (status ${status}) and says: ${oneLine(said)}`,
    )
  }
}

/** The signed request in a file: in the mail of the service, or not encrypted. @throws CliError */
export function openSigned(folder: string, file: string, bytes: Buffer): string {
  if (bytes.length > MAX_MAIL) {
    throw new CliError(`${file}: ${bytes.length} bytes, and a signed request has a few thousand`)
  }
  const text = bytes.toString('latin1').replaceAll(/\s+/g, '')
  if (!/^(?:[0-9a-f]{2})+$/i.test(text)) {
    // An XML plist in base64 begins with a P, which is no hex digit.
    return requireBase64(
      text,
      `${file}: neither a signed request nor the hex text of an encrypted one`,
    )
  }
  const pair = existsSync(join(folder, `${EXCHANGE}.pem`)) ? readExchange(folder) : undefined
  if (!pair) {
    throw new CliError(`${join(folder, EXCHANGE)}.pem is not there: this folder made no request`)
  }
  const opened = openEnvelope(envelopeIn(file, text), createPrivateKey(pair.key))
  return requireBase64(
    Buffer.from(opened ?? [])
      .toString('latin1')
      .trim(),
    `${file} cannot be opened with ${EXCHANGE}.pem: it answers a request of another folder, or is damaged`,
  )
}

function requireBase64(text: string, otherwise: string): string {
  if (!/^[A-Za-z0-9+/\s]+={0,2}$/.test(text)) {
    throw new CliError(otherwise)
  }
  return text
}

function envelopeIn(file: string, hex: string) {
  try {
    return readEnvelope(new Uint8Array(Buffer.from(hex, 'hex')))
  } catch (error) {
    throw new CliError(`${file} is not encrypted as expected: ${messageOf(error)}`)
  }
}

/** The pair that the service encrypts for. It is kept while it is valid, so that late mails can be opened. */
function exchangePair(folder: string, now: number): PemPair {
  const pair = readExchange(folder, now)
  const [der = new Uint8Array()] = readPem(pair.certificate)
  if (readCertificate(der).notAfter > now + LEAST_DAYS * DAY) {
    return pair
  }
  rmSync(join(folder, `${EXCHANGE}.pem`))
  return readExchange(folder, now)
}

function readExchange(folder: string, now = 0): PemPair {
  return keepPair(folder, EXCHANGE, () => {
    const key = newKey('rsa')
    const certificate = issueCertificate({
      subject: [['CN', 'mdmcert.download']],
      publicKey: createPublicKey(key),
      signingKey: key,
      serial: randomSerial(),
      notBefore: now - DAY,
      notAfter: now + EXCHANGE_DAYS * DAY,
      keyUsage: ['digitalSignature', 'keyEncipherment'],
    })
    return {
      certificate: pem('CERTIFICATE', certificate),
      key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }
  })
}

async function post(
  send: typeof fetch,
  url: URL,
  body: string,
): Promise<{ status: number; text: string }> {
  try {
    const response = await send(url, {
      method: 'POST',
      // The client key goes only to the host that was named.
      redirect: 'manual',
      headers: { 'content-type': 'application/json', 'user-agent': 'EdgeMDM' },
      body,
      signal: AbortSignal.timeout(TIMEOUT),
    })
    return { status: response.status, text: await beginningOf(response) }
  } catch (error) {
    throw new CliError(
      `${url.host} cannot be reached: ${messageOf(causeOf(error))}. Try again later`,
    )
  }
}

async function beginningOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body ?? []) {
    parts.push(part)
    length += part.length
    if (length > MAX_ANSWER) {
      break
    }
  }
  return Buffer.concat(parts).toString('utf8')
}

function oneLine(said: unknown): string {
  const text = typeof said === 'string' ? said : JSON.stringify(said)
  return text.replaceAll(/[\p{C}\s]+/gu, ' ').slice(0, MAX_SHOWN)
}

function resultIn(text: string): { result?: unknown; reason?: unknown } {
  try {
    const answer: unknown = JSON.parse(text)
    return typeof answer === 'object' && answer !== null ? answer : {}
  } catch {
    return {}
  }
}
