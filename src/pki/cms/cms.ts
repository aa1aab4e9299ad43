/**
 * Verifies `Mdm-Signature`: a detached CMS SignedData (RFC 5652 §5) over the exact body of a device's
 * request. Every message passes here. It reads the one shape that devices send and refuses all others;
 * `node:crypto` does the arithmetic.
 *
 * A good signature proves one thing: the holder of the certificate's key sent this body. The caller decides
 * who issued the certificate and to which device it belongs (`path.ts`, `identity/claim-certificate.ts`, the
 * device object).
 */
import { Buffer } from 'node:buffer'
import { hash, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { withDefiniteLengths } from '../asn1/ber.ts'
import {
  contentOf,
  DerError,
  type Element,
  encodingOf,
  inside,
  read,
  readOid,
  readSingle,
  readOptional,
  readSmallInteger,
  TAG,
} from '../asn1/der.ts'
import { retagged } from '../asn1/der-write.ts'
import { OID } from '../asn1/oids.ts'
import {
  findSigner,
  openSignedData,
  readAttributes,
  readSignedData,
  type SignedData,
  type SignerInfo,
} from './signed-data.ts'
import { readCertificate } from '../x509/certificate.ts'

/** The outcome of `verifyDetached`. `reason` is for logs; the device does not get it. */
export type SignatureCheck =
  | {
      readonly ok: true
      /** DER of the signer's certificate: a view of the signature, as `others` are. */
      readonly certificate: Uint8Array
      /** SHA-256 of that DER, lower-case hex. */
      readonly fingerprint: string
      /** DER of the other embedded certificates, candidates for the chain; unchecked. */
      readonly others: readonly Uint8Array[]
      /**
       * The bytes that were signed: attributes, or the body itself. Absent when a proxy has checked the
       * sender.
       */
      readonly signed?: Uint8Array
    }
  | { readonly ok: false; readonly reason: string }

/** A signature with one certificate is about 2 KB. Proxies let 16 KB of headers through. */
const MAX_HEADER_CHARS = 16_384
const MAX_KEYS = 1_000
/** A character outside of the standard alphabet. */
const FOREIGN = /[^A-Za-z0-9+/=]/

interface PublicKey {
  readonly key: KeyObject
  /** Kept, because the key's own property is a call into the runtime. */
  readonly type: string | undefined
}

/**
 * Public keys by certificate fingerprint. They follow from the certificate's bytes alone, so no decision of
 * trust is kept.
 */
const keys = new Map<string, PublicKey>()

/**
 * Decodes the header's base64, at most 16,384 characters: the standard alphabet with padding; white space
 * is skipped. Undefined for anything else, the URL alphabet included, as in MicroMDM.
 */
export function decodeSignatureHeader(header: string): Uint8Array | undefined {
  if (header.length > MAX_HEADER_CHARS) {
    return undefined
  }
  let text = header
  if (FOREIGN.test(text)) {
    text = text.replaceAll(/\s+/g, '')
    if (FOREIGN.test(text)) {
      return undefined
    }
  }
  const { buffer, byteOffset, length } = Buffer.from(text, 'base64')
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='))
  // Buffer skips characters that it cannot read.
  return text !== '' && length === (text.length / 4) * 3 - padding
    ? new Uint8Array(buffer, byteOffset, length)
    : undefined
}

/**
 * Verifies a detached signature over `body`. Content inside the CMS is ignored: the HTTP body counts. There
 * has to be one signer, named by issuer and serial number, with its certificate embedded; SHA-1 or SHA-2
 * with RSA PKCS#1 v1.5 or ECDSA; signed attributes are optional. The certificate's validity dates are
 * ignored, because devices keep using an expired identity (docs/renewal.md). Never throws for bad input.
 */
export function verifyDetached(der: Uint8Array, body: Uint8Array): SignatureCheck {
  return checked(() => verifySigned(readSignedData(withDefiniteLengths(der)), body))
}

/**
 * The signer that a detached signature names, NOT verified. Use it to decide whether to read the body, and
 * never as proof. Never throws for bad input.
 */
export function signerNamedIn(der: Uint8Array): SignatureCheck {
  return checked(() => {
    const { certificates, signer } = readSignedData(withDefiniteLengths(der))
    const certificate = findSigner(certificates, signer)
    readCertificate(certificate)
    return {
      ok: true,
      certificate,
      fingerprint: hash('sha256', certificate, 'hex'),
      others: certificates.filter((other) => other !== certificate),
    }
  })
}

function checked(check: () => SignatureCheck): SignatureCheck {
  try {
    return check()
  } catch (error) {
    if (error instanceof DerError) {
      return { ok: false, reason: error.message }
    }
    throw error
  }
}

/** The same for signed data that was read already. @throws DerError when something in it is malformed */
export function verifySigned(
  { certificates, signer }: SignedData,
  body: Uint8Array,
): SignatureCheck {
  const certificate = findSigner(certificates, signer)
  const fingerprint = hash('sha256', certificate, 'hex')
  const { key, type } = publicKeyOf(certificate, fingerprint)
  if (type !== signer.keyType) {
    return { ok: false, reason: 'the signature algorithm is not that of the certificate’s key' }
  }
  const signed =
    signer.attributes === undefined ? body : signedBytes(signer, signer.attributes, body)
  if (!verify(signer.digest, signed, key, signer.signature)) {
    return { ok: false, reason: 'the signature does not match' }
  }
  const others = certificates.filter((other) => other !== certificate)
  // The sender chose these bytes, and nothing else has read them: refuse those that are no certificates.
  for (const unchecked of others) {
    readCertificate(unchecked)
  }
  return { ok: true, certificate, fingerprint, others, signed }
}

/**
 * The signed bytes when there are attributes: their DER with the SET tag in place of `[0]`. The attributes
 * have to name this body's hash, and each of the two mandatory ones has to be there exactly once (RFC 5652
 * §5.4).
 */
function signedBytes(signer: SignerInfo, attributes: Element, body: Uint8Array): Uint8Array {
  const values = readAttributes(attributes)
  const claimed = values.get(OID.messageDigest)
  const type = values.get(OID.contentType)
  if (claimed === undefined || type === undefined) {
    throw new DerError('signedAttrs: contentType or messageDigest is missing')
  }
  if (readOid(inside(type), 'contentType attribute') !== OID.data) {
    throw new DerError('signedAttrs: contentType is not eContentType')
  }
  const digest = hash(signer.digest, body, 'buffer')
  if (!digest.equals(contentOf(read(inside(claimed), TAG.octetString, 'messageDigest')))) {
    throw new DerError('messageDigest does not match the body')
  }
  return retagged(encodingOf(attributes), TAG.set)
}

function publicKeyOf(certificate: Uint8Array, fingerprint: string): PublicKey {
  const key = keys.get(fingerprint) ?? readPublicKey(certificate)
  // Deleting first keeps the Map in order of last use, so that its first entry is the oldest.
  keys.delete(fingerprint)
  keys.set(fingerprint, key)
  const [oldest] = keys.keys()
  if (keys.size > MAX_KEYS && oldest !== undefined) {
    keys.delete(oldest)
  }
  return key
}

function readPublicKey(certificate: Uint8Array): PublicKey {
  readCertificate(certificate)
  try {
    const { publicKey: key } = new X509Certificate(certificate)
    return { key, type: key.asymmetricKeyType }
  } catch (error) {
    throw new DerError('the signer’s certificate is malformed', { cause: error })
  }
}

/**
 * The content of an attached SignedData, NOT verified. Use it to look into a signed profile, and never as
 * proof. Content in pieces and indefinite lengths are read (`openssl smime`, Apple's tools). Undefined when
 * `der` is not signed data or carries no content.
 */
export function signedContent(der: Uint8Array): Uint8Array | undefined {
  try {
    const fields = openSignedData(withDefiniteLengths(der))
    readSmallInteger(fields, 'SignedData.version')
    read(fields, TAG.set, 'digestAlgorithms')
    const encapsulated = inside(read(fields, TAG.sequence, 'encapContentInfo'))
    readOid(encapsulated, 'eContentType')
    const content = readOptional(encapsulated, 0xa0, 'eContent')
    // A copy: small Buffers share one pool, and an RPC would carry the whole pool.
    return (
      content &&
      new Uint8Array(contentOf(readSingle(contentOf(content), TAG.octetString, 'eContent')))
    )
  } catch (error) {
    if (error instanceof DerError) {
      return undefined
    }
    throw error
  }
}
