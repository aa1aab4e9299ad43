/**
 * Opens and checks requests of SCEP clients (RFC 8894 §3.3.1). Whether the client may have a certificate is
 * decided later (`identity/issue-certificate.ts`).
 */
import { createHash } from 'node:crypto'
import type { Authority } from '../pki/x509/authority.ts'
import { withDefiniteLengths } from '../pki/asn1/ber.ts'
import { verifySigned } from '../pki/cms/cms.ts'
import { DerError } from '../pki/asn1/der.ts'
import {
  type ContentCipher,
  type Envelope,
  openEnvelope,
  readEnvelope,
  UnknownAlgorithmError,
} from '../pki/cms/enveloped-data.ts'
import type { Digest } from '../pki/asn1/oids.ts'
import { readPublicKey, rsaBitsOf } from '../pki/x509/public-key.ts'
import { readSignedData, type SignedData } from '../pki/cms/signed-data.ts'
import { readSigningRequest, type SigningRequest } from '../pki/x509/signing-request.ts'
import { type Certificate, readCertificate } from '../pki/x509/certificate.ts'
import {
  type FailInfo,
  MESSAGE_TYPES,
  readScepAttributes,
  type ScepAttributes,
} from './attributes.ts'

/** The parts of a request that its answer needs. */
export interface ReplyTo {
  /** DER, unchanged. */
  readonly transactionId: Uint8Array
  readonly senderNonce: Uint8Array
  /** The hash that the client signs with, so it can verify it. */
  readonly digest: Digest
  /** Signs the answer: the authority that the client knows. */
  readonly authority: Authority
}

/** A well-formed request for a certificate. The certificate is not granted yet. */
export interface ScepRequest extends ReplyTo {
  readonly signer: Certificate
  readonly cipher: ContentCipher
  readonly csr: SigningRequest
}

/**
 * `refused`: the answer is a failure. `malformed`: not even a failure can be answered, because the request
 * names no transaction. `reason` is for logs.
 */
export type OpenedRequest =
  | { readonly kind: 'request'; readonly request: ScepRequest }
  | {
      readonly kind: 'refused'
      readonly replyTo: ReplyTo
      readonly failInfo: FailInfo
      readonly reason: string
    }
  | { readonly kind: 'malformed'; readonly reason: string }

interface Refusal {
  readonly failInfo: FailInfo
  readonly reason: string
}

const MIN_RSA_BITS = 2048
const MAX_RSA_BITS = 8192
/** The answer is encrypted to the signer, which need not have the key of the new certificate. */
const MIN_SIGNER_BITS = 1024

/**
 * All three request a certificate. Signature and challenge tell the kind, because clients confuse the types.
 */
const REQUESTS = new Set<string>([
  MESSAGE_TYPES.PKCSReq,
  MESSAGE_TYPES.RenewalReq,
  MESSAGE_TYPES.UpdateReq,
])

/**
 * Opens one PKIOperation: its signature, its envelope with the key of one of `authorities` (the issuing one
 * first), and the CSR in it with its signature and key. Never throws for bad input.
 */
export function openRequest(der: Uint8Array, authorities: readonly Authority[]): OpenedRequest {
  const [issuing] = authorities
  if (issuing === undefined) {
    return { kind: 'malformed', reason: 'there is no CA' }
  }
  let signed: SignedData
  let attributes: ScepAttributes
  try {
    signed = readSignedData(withDefiniteLengths(der))
    attributes = readScepAttributes(signed.signer.attributes)
  } catch (error) {
    return { kind: 'malformed', reason: malformation(error) }
  }
  const { transactionId, senderNonce } = attributes
  const replyTo = {
    transactionId,
    senderNonce,
    digest: signed.signer.digest,
    authority: issuing,
  }
  const opened = open(signed, attributes, authorities)
  if ('failInfo' in opened) {
    return { kind: 'refused', replyTo, ...opened }
  }
  const request = { ...replyTo, ...opened }
  const refusal = judge(request)
  return refusal ? { kind: 'refused', replyTo: request, ...refusal } : { kind: 'request', request }
}

function open(
  signed: SignedData,
  attributes: ScepAttributes,
  authorities: readonly Authority[],
): Pick<ScepRequest, 'signer' | 'cipher' | 'csr' | 'authority'> | Refusal {
  let signer: Certificate
  let envelope: Envelope
  try {
    const check = verifySigned(signed, signed.content ?? new Uint8Array())
    if (!check.ok) {
      return { failInfo: 'badMessageCheck', reason: check.reason }
    }
    if (signed.signer.keyType !== 'rsa') {
      return { failInfo: 'badAlg', reason: 'nothing can be encrypted to a signer without RSA key' }
    }
    if (!REQUESTS.has(attributes.messageType)) {
      return { failInfo: 'badRequest', reason: `message type ${attributes.messageType}` }
    }
    signer = readCertificate(check.certificate)
    envelope = readEnvelope(signed.content ?? new Uint8Array())
  } catch (error) {
    return {
      failInfo: error instanceof UnknownAlgorithmError ? 'badAlg' : 'badMessageCheck',
      reason: malformation(error),
    }
  }
  for (const authority of authorities) {
    const csr = csrIn(openEnvelope(envelope, authority.key))
    if (csr) {
      return { signer, cipher: envelope.cipher, csr, authority }
    }
  }
  // One answer for a wrong padding, a wrong key and a content that is not a CSR (`openEnvelope`).
  return {
    failInfo: 'badMessageCheck',
    reason: 'no CA of ours has a key that opens the envelope to a CSR',
  }
}

/** Faults that no challenge makes up for. */
function judge({ csr, signer }: ScepRequest): Refusal | undefined {
  const { rsaBits = 0 } = csr
  if (!csr.isSigned) {
    return { failInfo: 'badMessageCheck', reason: 'the signature of the CSR does not match' }
  }
  if (rsaBits < MIN_RSA_BITS || rsaBits > MAX_RSA_BITS) {
    return {
      failInfo: 'badAlg',
      reason:
        `the key is no RSA key of ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits: ` +
        'set Keysize to 2048 in the SCEP payload',
    }
  }
  return (rsaBitsOf(readPublicKey(signer.spki)) ?? 0) < MIN_SIGNER_BITS
    ? { failInfo: 'badAlg', reason: `the signer’s key has fewer than ${MIN_SIGNER_BITS} bits` }
    : undefined
}

/**
 * Names a request, so that the same request gets the same answer: transaction, key and challenge, and the
 * certificate that signed it, unless that was made for this request. Hexadecimal.
 */
export function scepRequestId({ transactionId, signer, csr }: ScepRequest): string {
  const isSelfIssued = signer.issuer === signer.subject
  const parts = [
    transactionId,
    csr.spki,
    isSelfIssued ? '' : signer.fingerprint,
    csr.challengePassword,
  ]
  return sha256(parts.map(sha256).join(' '))
}

function csrIn(content: Uint8Array | undefined): SigningRequest | undefined {
  try {
    return content && readSigningRequest(content)
  } catch (error) {
    malformation(error)
    return undefined
  }
}

/** Whether the fault is in the sender's bytes. Other errors are faults of this server, and are thrown on. */
function malformation(error: unknown): string {
  if (error instanceof DerError) {
    return error.message
  }
  throw error
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
