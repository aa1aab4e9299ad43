/** Writes CertRep, the answer to a SCEP request (RFC 8894 §3.3.2), and the answers about the CA. */
import { randomBytes } from 'node:crypto'
import { certificatesOnly, signAttached, signDetached } from '../pki/cms/sign.ts'
import { writeEnvelope } from '../pki/cms/enveloped-data.ts'
import { type FailInfo, writeScepAttributes } from './attributes.ts'
import type { ReplyTo, ScepRequest } from './request.ts'

/**
 * Answers GetCACaps (RFC 8894 §3.5.2): one capability per line. iOS from 10 on requires the names of the
 * SHA-2 ones. Without `Renewal` macOS logs that the server does not support renewal, and renews all the same.
 */
export const CAPABILITIES = [
  'Renewal',
  'SHA-1',
  'SHA-256',
  'SHA-512',
  'AES',
  'DES3',
  'SCEPStandard',
  'POSTPKIOperation',
].join('\n')

const SUCCESS = '0'
const FAILURE = '2'
const NONCE_BYTES = 16

/**
 * DER of a CertRep with the issued certificate first and its CA, where it is known, after it. It is encrypted
 * to the request's signer and signed by the authority that the client knows, with the client's algorithms.
 */
export function certRep(
  request: ScepRequest,
  issued: Uint8Array,
  issuer: Uint8Array | undefined,
): Uint8Array {
  const content = certificatesOnly(issuer ? [issued, issuer] : [issued])
  return signAttached({
    ...signing(request, SUCCESS),
    body: writeEnvelope(content, request.signer.der, request.cipher),
  })
}

/** DER of a CertRep that refuses. It has no content (RFC 8894 §3.3.2.2). */
export function certRepFailure(replyTo: ReplyTo, failInfo: FailInfo): Uint8Array {
  return signDetached({ ...signing(replyTo, FAILURE, failInfo), body: new Uint8Array() })
}

function signing(replyTo: ReplyTo, pkiStatus: string, failInfo?: FailInfo) {
  const { transactionId, senderNonce, digest, authority } = replyTo
  return {
    certificate: authority.certificate.der,
    privateKey: authority.key,
    digest,
    attributes: writeScepAttributes({
      messageType: 'CertRep',
      transactionId,
      senderNonce: randomBytes(NONCE_BYTES),
      recipientNonce: senderNonce,
      pkiStatus,
      ...(failInfo && { failInfo }),
    }),
  }
}
