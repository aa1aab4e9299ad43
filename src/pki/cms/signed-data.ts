/** Reads the structure of CMS SignedData (RFC 5652 §3, §5), as far as devices send it. */
import { Buffer } from 'node:buffer'
import {
  atEnd,
  contentOf,
  type Cursor,
  DerError,
  type Element,
  encodingOf,
  finish,
  inside,
  read,
  readAny,
  readInteger,
  readOid,
  readSingle,
  readOptional,
  readSmallInteger,
  TAG,
} from '../asn1/der.ts'
import { requireStrictDer } from '../asn1/strict.ts'
import { type Digest, DIGEST_OIDS, OID } from '../asn1/oids.ts'

/** The one SignerInfo (RFC 5652 §5.3); `issuer` is DER, `serial` the content of the INTEGER. */
export interface SignerInfo {
  readonly issuer: Uint8Array
  readonly serial: Uint8Array
  readonly digest: Digest
  readonly keyType: 'rsa' | 'ec'
  /** `[0] IMPLICIT SignedAttributes`, as it was sent. */
  readonly attributes: Element | undefined
  readonly signature: Uint8Array
}

/** The parts of a SignedData that verification needs (RFC 5652 §5.1): DER certificates and the signer. */
export interface SignedData {
  readonly certificates: readonly Uint8Array[]
  readonly signer: SignerInfo
  /** The content, where the CMS carries it. */
  readonly content: Uint8Array | undefined
}

const SIGNED_ATTRIBUTES = 0xa0
const UNSIGNED_ATTRIBUTES = 0xa1
const CERTIFICATES = 0xa0
const CRLS = 0xa1
const KEY_IDENTIFIER = 0x80
const DIGESTS: readonly Digest[] = ['sha1', 'sha256', 'sha384', 'sha512']

/**
 * Reads the SignedData of one signer from a DER ContentInfo; CRLs and unsigned attributes are skipped.
 *
 * @throws DerError for everything else: other content types, signers named by key identifier, algorithms
 * outside SHA-1/SHA-2 with RSA PKCS#1 v1.5 or ECDSA, and encodings that are not strict DER
 */
export function readSignedData(der: Uint8Array): SignedData {
  requireStrictDer(der, 'CMS')
  const fields = openSignedData(der)
  const version = readSmallInteger(fields, 'SignedData.version')
  const digests = readSetOfDigests(fields)
  const encapsulated = inside(read(fields, TAG.sequence, 'encapContentInfo'))
  if (readOid(encapsulated, 'eContentType') !== OID.data) {
    throw new DerError('eContentType: only id-data is signed by devices')
  }
  const content = readOptional(encapsulated, 0xa0, 'eContent')
  finish(encapsulated, 'encapContentInfo')
  const certificates = readCertificates(readOptional(fields, CERTIFICATES, 'certificates'))
  readOptional(fields, CRLS, 'crls')
  const signers = inside(read(fields, TAG.set, 'signerInfos'))
  finish(fields, 'SignedData')
  const signer = readSignerInfo(inside(read(signers, TAG.sequence, 'the only SignerInfo')))
  finish(signers, 'signerInfos, more than one signer')
  if (version < 1 || version > 5 || !digests.includes(signer.digest)) {
    throw new DerError('SignedData: version or digestAlgorithms do not fit the signer')
  }
  return {
    certificates,
    signer,
    content: content && contentOf(readSingle(contentOf(content), TAG.octetString, 'eContent')),
  }
}

/** A cursor at the fields of the SignedData inside a ContentInfo (RFC 5652 §3, §5.1). Throws DerError. */
export function openSignedData(der: Uint8Array): Cursor {
  const contentInfo = inside(readSingle(der, TAG.sequence, 'ContentInfo'))
  if (readOid(contentInfo, 'contentType') !== OID.signedData) {
    throw new DerError('contentType: not signed data')
  }
  const content = inside(read(contentInfo, 0xa0, 'content'))
  finish(contentInfo, 'ContentInfo')
  const fields = inside(read(content, TAG.sequence, 'SignedData'))
  finish(content, 'content')
  return fields
}

/** DER of the certificates in a SignedData without signers, in its order (RFC 5652 §5.2). Throws DerError. */
export function readCertificatesOnly(der: Uint8Array): Uint8Array[] {
  requireStrictDer(der, 'CMS')
  const fields = openSignedData(der)
  readSmallInteger(fields, 'SignedData.version')
  read(fields, TAG.set, 'digestAlgorithms')
  read(fields, TAG.sequence, 'encapContentInfo')
  return readCertificates(readOptional(fields, CERTIFICATES, 'certificates'))
}

function readSetOfDigests(fields: Cursor): Digest[] {
  const set = inside(read(fields, TAG.set, 'digestAlgorithms'))
  const digests: Digest[] = []
  while (!atEnd(set)) {
    digests.push(digestNamed(readAlgorithm(set, 'digestAlgorithms')))
  }
  return digests
}

function readCertificates(set: Element | undefined): Uint8Array[] {
  const certificates: Uint8Array[] = []
  if (set === undefined) {
    return certificates
  }
  const cursor = inside(set)
  while (!atEnd(cursor)) {
    certificates.push(encodingOf(read(cursor, TAG.sequence, 'an embedded certificate')))
  }
  return certificates
}

function readSignerInfo(fields: Cursor): SignerInfo {
  const version = readSmallInteger(fields, 'SignerInfo.version')
  if (fields.bytes[fields.at] === KEY_IDENTIFIER) {
    throw new DerError('sid: a signer named by key identifier is not accepted')
  }
  const sid = inside(read(fields, TAG.sequence, 'issuerAndSerialNumber'))
  const issuer = encodingOf(read(sid, TAG.sequence, 'issuer'))
  const serial = readInteger(sid, 'serialNumber')
  finish(sid, 'issuerAndSerialNumber')
  if (version !== 1) {
    throw new DerError('SignerInfo.version: 1 goes with issuer and serial number')
  }
  const digest = digestNamed(readAlgorithm(fields, 'digestAlgorithm'))
  const attributes = readOptional(fields, SIGNED_ATTRIBUTES, 'signedAttrs')
  const keyType = keyTypeOf(readAlgorithm(fields, 'signatureAlgorithm'), digest)
  const signature = contentOf(read(fields, TAG.octetString, 'signature'))
  readOptional(fields, UNSIGNED_ATTRIBUTES, 'unsignedAttrs')
  finish(fields, 'SignerInfo')
  return { issuer, serial, digest, keyType, attributes, signature }
}

/** An AlgorithmIdentifier without parameters or with NULL. Others (RSA-PSS) have parameters that count. */
function readAlgorithm(cursor: Cursor, what: string): string {
  const fields = inside(read(cursor, TAG.sequence, what))
  const algorithm = readOid(fields, what)
  readOptional(fields, TAG.null, what)
  finish(fields, `${what}: parameters`)
  return algorithm
}

function digestNamed(algorithm: string): Digest {
  for (const digest of DIGESTS) {
    if (DIGEST_OIDS[digest].hash === algorithm) {
      return digest
    }
  }
  throw new DerError(`digestAlgorithm: ${algorithm} is not accepted`)
}

/** The signature algorithm may name its hash, which then must be the signer's (RFC 5652 §5.3). */
function keyTypeOf(algorithm: string, digest: Digest): 'rsa' | 'ec' {
  const { rsa, ec } = DIGEST_OIDS[digest]
  if (algorithm === OID.rsaEncryption || algorithm === rsa) {
    return 'rsa'
  }
  if (algorithm === ec) {
    return 'ec'
  }
  throw new DerError(`signatureAlgorithm: ${algorithm} is not accepted with ${digest}`)
}

/**
 * The signer's certificate among the embedded ones. Two different certificates of the same issuer and
 * serial number are refused: their order would decide which of them signed. @throws DerError
 */
export function findSigner(certificates: readonly Uint8Array[], signer: SignerInfo): Uint8Array {
  const matches = certificates.filter((certificate) => isNamedBy(certificate, signer))
  const [found, ...more] = matches
  if (found === undefined) {
    throw new DerError('the signer’s certificate is not embedded')
  }
  if (more.some((other) => Buffer.compare(other, found) !== 0)) {
    throw new DerError('two certificates answer to the signer’s issuer and serial number')
  }
  return found
}

function isNamedBy(certificate: Uint8Array, signer: SignerInfo): boolean {
  const { issuer, serial } = readIssuerAndSerial(certificate)
  return Buffer.compare(serial, signer.serial) === 0 && Buffer.compare(issuer, signer.issuer) === 0
}

/** DER of a certificate's issuer and the content of its serial number. Throws DerError. RFC 5280 §4.1. */
export function readIssuerAndSerial(certificate: Uint8Array): {
  issuer: Uint8Array
  serial: Uint8Array
} {
  const outer = inside(readSingle(certificate, TAG.sequence, 'Certificate'))
  const fields = inside(read(outer, TAG.sequence, 'tbsCertificate'))
  readOptional(fields, 0xa0, 'version')
  const serial = readInteger(fields, 'serialNumber')
  readAny(fields, 'signature')
  return { serial, issuer: encodingOf(read(fields, TAG.sequence, 'issuer')) }
}

/** The two attributes that count, each as a SET of exactly one value by type
 * (RFC 5652 §11.1, §11.2). Throws DerError when one of them is repeated. */
export function readAttributes(attributes: Element): Map<string, Element> {
  const cursor = inside(attributes)
  const values = new Map<string, Element>()
  while (!atEnd(cursor)) {
    const attribute = inside(read(cursor, TAG.sequence, 'an attribute'))
    const type = readOid(attribute, 'attribute type')
    const set = read(attribute, TAG.set, 'attribute values')
    finish(attribute, 'an attribute')
    if (type === OID.contentType || type === OID.messageDigest) {
      const inner = inside(set)
      readAny(inner, 'attribute value')
      if (values.has(type) || !atEnd(inner)) {
        throw new DerError(`signedAttrs: more than one value for ${type}`)
      }
      values.set(type, set)
    }
  }
  return values
}
