/** The SCEP client of a device (RFC 8894), which behaves like Apple's. */
import { createHash, createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { verifySigned } from '../../pki/cms/cms.ts'
import { signAttached } from '../../pki/cms/sign.ts'
import { printableString } from '../../pki/asn1/der-write.ts'
import {
  type ContentCipher,
  openEnvelope,
  readEnvelope,
  writeEnvelope,
} from '../../pki/cms/enveloped-data.ts'
import { issueCertificate, randomSerial } from '../../pki/x509/issue.ts'
import type { NameAttribute } from '../../pki/x509/name.ts'
import type { Digest } from '../../pki/asn1/oids.ts'
import { readCertificatesOnly, readSignedData } from '../../pki/cms/signed-data.ts'
import { writeSigningRequest } from '../../pki/x509/signing-request.ts'
import { type Certificate, readCertificate } from '../../pki/x509/certificate.ts'
import {
  MESSAGE_TYPES,
  type ScepMessageType,
  readScepAttributes,
  writeScepAttributes,
} from '../../scep/attributes.ts'
import { type SimulatedIdentity, newKey } from './identity.ts'

/** The part of `fetch` that the client needs; the global one fits. */
export type ScepFetch = (
  url: string,
  init?: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly body: Uint8Array<ArrayBuffer>
  },
) => Promise<{ readonly status: number; arrayBuffer(): Promise<ArrayBuffer> }>

/** The values of a SCEP payload, and the keys for the request. */
export interface ScepOptions {
  readonly fetch: ScepFetch
  /** `URL` of the payload. */
  readonly url: string
  readonly subject: readonly NameAttribute[]
  readonly challenge?: string
  /** The key to be certified; a fresh RSA key by default. */
  readonly key?: KeyObject
  /** Signs the request instead of a self-signed certificate: the identity that is to be renewed. */
  readonly renew?: SimulatedIdentity
  readonly messageType?: ScepMessageType
  readonly digest?: Digest
  readonly cipher?: ContentCipher
}

/** A request on its way; sending `der` again repeats it. */
export interface PendingRequest {
  readonly der: Uint8Array
  readonly key: KeyObject
  readonly signer: Pick<SimulatedIdentity, 'certificate' | 'privateKey'>
  readonly senderNonce: Uint8Array
  readonly transactionId: Uint8Array
  readonly ca: Certificate
}

/** A CertRep that refuses; `failInfo` is its number. */
export class ScepRefusedError extends Error {
  override name = 'ScepRefusedError'
  readonly failInfo: string

  constructor(failInfo: string) {
    super(`the SCEP server refused with failInfo ${failInfo}`)
    this.failInfo = failInfo
  }
}

const HOUR = 3_600_000
const DAY = 24 * HOUR

/**
 * Gets a device its identity: capabilities, CA, request, certificate.
 *
 * @throws ScepRefusedError when the CA refuses, Error when an answer is malformed
 */
export async function enrolByScep(options: ScepOptions): Promise<SimulatedIdentity> {
  const capabilities = await get(options, 'GetCACaps')
  if (!/^POSTPKIOperation$|^SCEPStandard$/m.test(new TextDecoder().decode(capabilities))) {
    throw new Error('the SCEP server takes no POST')
  }
  const ca = readCertificate(await get(options, 'GetCACert'))
  const request = writeScepRequest(options, ca)
  return readCertRep(await sendScepRequest(options, request.der), request)
}

/** A PKIOperation by POST. @returns the body of the answer. */
export async function sendScepRequest(
  { fetch, url }: Pick<ScepOptions, 'fetch' | 'url'>,
  der: Uint8Array,
): Promise<Uint8Array> {
  const response = await fetch(withQuery(url, 'PKIOperation'), {
    method: 'POST',
    headers: { 'content-type': 'application/x-pki-message' },
    body: new Uint8Array(der),
  })
  return bodyOf(response, 'PKIOperation')
}

/** The request for a certificate, encrypted to the CA. */
export function writeScepRequest(
  options: Omit<ScepOptions, 'fetch' | 'url'>,
  ca: Certificate,
): PendingRequest {
  const { key = newKey('rsa'), subject, challenge, digest = 'sha256' } = options
  const signer = options.renew ?? { certificate: selfSigned(key, subject), privateKey: key }
  const csr = writeSigningRequest({
    subject,
    key,
    digest,
    ...(challenge === undefined ? {} : { challengePassword: challenge }),
  })
  const senderNonce = randomBytes(16)
  const transactionId = printableString(createHash('sha256').update(csr).digest('hex'))
  const der = signAttached({
    ...signer,
    digest,
    body: writeEnvelope(csr, ca.der, options.cipher ?? 'aes-128-cbc'),
    attributes: writeScepAttributes({
      messageType: options.messageType ?? 'PKCSReq',
      transactionId,
      senderNonce,
    }),
  })
  return { der, key, signer, senderNonce, transactionId, ca }
}

/**
 * The identity in an answer. It has to come from the CA and belong to the request.
 *
 * @throws ScepRefusedError, or Error as `enrolByScep`
 */
export function readCertRep(der: Uint8Array, request: PendingRequest): SimulatedIdentity {
  const signed = readSignedData(der)
  const attributes = readScepAttributes(signed.signer.attributes)
  const check = verifySigned(signed, signed.content ?? new Uint8Array())
  requireThat(
    check.ok && readCertificate(check.certificate).keyId === request.ca.keyId,
    'signature',
  )
  requireThat(attributes.messageType === MESSAGE_TYPES.CertRep, 'messageType')
  requireThat(same(attributes.transactionId, request.transactionId), 'transactionID')
  requireThat(same(attributes.recipientNonce, request.senderNonce), 'recipientNonce')
  if (attributes.pkiStatus !== '0') {
    throw new ScepRefusedError(attributes.failInfo ?? '')
  }
  const envelope = readEnvelope(signed.content ?? new Uint8Array())
  const content = openEnvelope(envelope, request.signer.privateKey)
  const [der0] = content ? readCertificatesOnly(content) : []
  if (der0 === undefined) {
    throw new Error('CertRep: no certificate in it')
  }
  const certificate = readCertificate(der0)
  const spki = createPublicKey(request.key).export({ type: 'spki', format: 'der' })
  requireThat(same(certificate.spki, spki), 'key')
  return {
    certificate: certificate.der,
    privateKey: request.key,
    commonName: certificate.commonName ?? '',
  }
}

function selfSigned(key: KeyObject, subject: readonly NameAttribute[]): Uint8Array {
  const now = Date.now()
  return issueCertificate({
    subject,
    publicKey: createPublicKey(key),
    signingKey: key,
    serial: randomSerial(),
    notBefore: now - HOUR,
    notAfter: now + DAY,
    keyUsage: ['digitalSignature', 'keyEncipherment'],
  })
}

async function get(
  { fetch, url }: Pick<ScepOptions, 'fetch' | 'url'>,
  operation: string,
): Promise<Uint8Array> {
  return bodyOf(await fetch(withQuery(url, operation)), operation)
}

async function bodyOf(
  response: Awaited<ReturnType<ScepFetch>>,
  operation: string,
): Promise<Uint8Array> {
  const body = new Uint8Array(await response.arrayBuffer())
  if (response.status !== 200) {
    throw new Error(`${operation}: HTTP ${response.status}`)
  }
  return body
}

function withQuery(url: string, operation: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}operation=${operation}`
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.from(a).equals(b)
}

function requireThat(holds: boolean, what: string): void {
  if (!holds) {
    throw new Error(`CertRep: the ${what} is not that of the request`)
  }
}
