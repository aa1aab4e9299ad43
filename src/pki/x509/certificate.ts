/**
 * Reads the fields of X.509 certificates (RFC 5280) that identities need. Dates and policy are judged in
 * `path.ts`.
 */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import {
  asciiOf,
  atEnd,
  contentOf,
  type Cursor,
  DerError,
  encodingOf,
  finish,
  inside,
  read,
  readAny,
  readBits,
  readInteger,
  readOid,
  readSingle,
  readOptional,
  readSmallInteger,
  TAG,
} from '../asn1/der.ts'
import { requireStrictDer } from '../asn1/strict.ts'
import { type Extensions, readExtensions } from './extensions.ts'
import { readName, textOfName } from './name.ts'
import { DIGEST_OIDS, OID } from '../asn1/oids.ts'

/** A certificate, read. Times are milliseconds since 1970. */
export interface Certificate extends Extensions {
  readonly der: Uint8Array
  /** SHA-256 of `der`, lower-case hex. */
  readonly fingerprint: string
  /** Serial number, lower-case hex of its DER content bytes. */
  readonly serial: string
  /** Issuer name, hex of its DER: equal names have equal text. */
  readonly issuer: string
  /** Subject name, hex of its DER. */
  readonly subject: string
  /** Subject for people, `CN=…, O=…` in the order of the certificate; empty on most Apple identities. */
  readonly subjectText: string
  /** First UID of the subject: the topic, on a push certificate. */
  readonly uid: string | undefined
  /** First common name of the subject. */
  readonly commonName: string | undefined
  /** DER of SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  /** SHA-256 of `spki`, lower-case hex. It identifies a CA. */
  readonly keyId: string
  /** OID of the algorithm that it is signed with; of RSASSA-PSS that of its hash. */
  readonly signatureAlgorithm: string
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * Reads one certificate from its DER (RFC 5280 §4.1). @throws DerError when it is not a strictly encoded
 * X.509 certificate
 */
export function readCertificate(der: Uint8Array): Certificate {
  requireStrictDer(der, 'Certificate')
  const outer = inside(readSingle(der, TAG.sequence, 'Certificate'))
  const fields = inside(read(outer, TAG.sequence, 'tbsCertificate'))
  const algorithm = readAlgorithm(outer, 'signatureAlgorithm')
  readBits(outer, 'signatureValue')
  finish(outer, 'Certificate')
  readVersion(fields)
  const serial = readInteger(fields, 'serialNumber')
  if (Buffer.compare(readAlgorithm(fields, 'signature'), algorithm) !== 0) {
    throw new DerError('signature: not the algorithm that follows the tbsCertificate')
  }
  const issuer = read(fields, TAG.sequence, 'issuer')
  readName(issuer)
  const validity = inside(read(fields, TAG.sequence, 'validity'))
  const notBefore = readTime(validity, 'notBefore')
  const notAfter = readTime(validity, 'notAfter')
  finish(validity, 'validity')
  const subject = read(fields, TAG.sequence, 'subject')
  const attributes = readName(subject)
  const spki = readSpki(fields)
  return {
    der,
    fingerprint: sha256(der),
    serial: hexOf(serial),
    issuer: hexOf(encodingOf(issuer)),
    subject: hexOf(encodingOf(subject)),
    subjectText: textOfName(attributes),
    uid: attributes.find(([type]) => type === 'UID')?.[1],
    commonName: attributes.find(([type]) => type === 'CN')?.[1],
    spki,
    keyId: sha256(spki),
    signatureAlgorithm: signatureName(algorithm),
    notBefore,
    notAfter,
    ...readExtensions(fields),
  }
}

/**
 * DER of every `CERTIFICATE` block of a PEM text (RFC 7468), in order; other blocks and text around them
 * are skipped. @throws DerError when a block is not base64
 */
export function readPem(text: string): Uint8Array[] {
  const blocks = text.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g)
  return Array.from(blocks, ([, body = '']) => {
    const base64 = body.replaceAll(/\s+/g, '')
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
      throw new DerError('PEM: a CERTIFICATE block is not base64')
    }
    return new Uint8Array(Buffer.from(base64, 'base64'))
  })
}

/** `[0] EXPLICIT INTEGER`, absent in version 1 certificates. Some old CAs have one. */
function readVersion(fields: Cursor): void {
  const wrapper = readOptional(fields, 0xa0, 'version')
  if (wrapper !== undefined) {
    const version = inside(wrapper)
    readSmallInteger(version, 'version')
    finish(version, 'version')
  }
}

/** DER of an AlgorithmIdentifier: an OID and at most one element of parameters (RFC 5280 §4.1.1.2). */
function readAlgorithm(cursor: Cursor, what: string): Uint8Array {
  const algorithm = read(cursor, TAG.sequence, what)
  const fields = inside(algorithm)
  readOid(fields, what)
  if (!atEnd(fields)) {
    readAny(fields, `${what}: parameters`)
  }
  finish(fields, what)
  return encodingOf(algorithm)
}

function algorithmName(algorithm: Uint8Array): string {
  return readOid(inside(readSingle(algorithm, TAG.sequence, 'algorithm')), 'algorithm')
}

/** The parameters of RSASSA-PSS name a hash, or mean SHA-1 (RFC 4055 §3.1). */
function signatureName(algorithm: Uint8Array): string {
  const fields = inside(readSingle(algorithm, TAG.sequence, 'signatureAlgorithm'))
  const name = readOid(fields, 'signatureAlgorithm')
  if (name !== OID.rsassaPss) {
    return name
  }
  const parameters = inside(read(fields, TAG.sequence, 'RSASSA-PSS parameters'))
  const hash = readOptional(parameters, 0xa0, 'hashAlgorithm')
  return hash ? algorithmName(contentOf(hash)) : DIGEST_OIDS.sha1.hash
}

/** RFC 5480 §2.2 forbids the hybrid form, though OpenSSL reads it. */
const POINT_FORMS: ReadonlySet<number> = new Set([2, 3, 4])

function readSpki(cursor: Cursor): Uint8Array {
  const spki = read(cursor, TAG.sequence, 'subjectPublicKeyInfo')
  const fields = inside(spki)
  const algorithm = readAlgorithm(fields, 'subjectPublicKeyInfo.algorithm')
  const key = readBits(fields, 'subjectPublicKey')
  finish(fields, 'subjectPublicKeyInfo')
  if (algorithmName(algorithm) === OID.ecPublicKey && !POINT_FORMS.has(key[0] ?? 0)) {
    throw new DerError('subjectPublicKey: a point that is neither compressed nor uncompressed')
  }
  return encodingOf(spki)
}

/**
 * A UTCTime or GeneralizedTime in milliseconds since 1970; two-digit years are 1950 to 2049 (RFC 5280
 * §4.1.2.5.1). Throws DerError.
 */
export function readTime(cursor: Cursor, what: string): number {
  const element = readAny(cursor, what)
  const text = asciiOf(contentOf(element))
  const long = element.tag === TAG.utcTime ? `${text < '50' ? '20' : '19'}${text}` : text
  const iso = long.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  const ms = Date.parse(iso)
  const isTime = element.tag === TAG.utcTime || element.tag === TAG.generalizedTime
  if (!isTime || iso === long || Number.isNaN(ms)) {
    throw new DerError(`${what}: not a time`)
  }
  return ms
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
