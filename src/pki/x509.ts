/**
 * X.509 certificates (RFC 5280): reading the fields that identities need, and whether one certificate
 * descends from a set of CAs. No clock and no policy: dates and usages are handed to the caller.
 */
import { Buffer } from 'node:buffer'
import { createHash, X509Certificate } from 'node:crypto'
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
  readOnly,
  readOptional,
  readSmallInteger,
  requireStrictDer,
  TAG,
} from './der.ts'
import { type Extensions, readExtensions } from './extensions.ts'
import { readName, textOfName } from './name.ts'
import { OID } from './oids.ts'

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
  /** SHA-256 of `spki`, lower-case hex: what tells CAs apart. */
  readonly keyId: string
  readonly notBefore: number
  readonly notAfter: number
}

/** Whether a certificate descends from one of a set of CAs; `reason` is for logs. */
export type ChainCheck =
  | {
      readonly ok: true
      /** `keyId` of the CA whose key vouches for the leaf. */
      readonly caKeyId: string
      /** Some certificate of the chain, the leaf and the CA included, is past its `notAfter`. */
      readonly expired: boolean
    }
  | { readonly ok: false; readonly reason: string }

/** Signatures from the leaf up to the CA. */
const MAX_DEPTH = 4

/**
 * Reads one certificate from its DER. Throws DerError when it is not a strictly encoded X.509
 * certificate. RFC 5280 §4.1.
 */
export function readCertificate(der: Uint8Array): Certificate {
  requireStrictDer(der, 'Certificate')
  const outer = inside(readOnly(der, TAG.sequence, 'Certificate'))
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
    notBefore,
    notAfter,
    ...readExtensions(fields),
  }
}

/**
 * DER of every `CERTIFICATE` block of a PEM text (RFC 7468), in order; other blocks and text around
 * them are skipped. Throws DerError when a block is not base64.
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

/**
 * Whether `leaf` descends from a key in `cas`, over at most three of `intermediates`. CAs are told apart
 * by key: of two with the same name the one whose key made the signature counts. A given CA is trusted as it
 * is; intermediates must be CAs by their extensions (RFC 5280 §6.1.4). Dates never refuse, because a known device
 * keeps an expired identity: `expired` (against `now`, milliseconds since 1970) leaves that to the caller.
 * A CA's own key is not a device and is refused.
 */
export function chainsTo(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  cas: readonly Certificate[],
  now: number,
): ChainCheck {
  if (cas.some((ca) => ca.keyId === leaf.keyId)) {
    return { ok: false, reason: 'the certificate is that of a CA, not of a device' }
  }
  const seen = new Set<string>()
  let level = [{ certificate: leaf, expired: leaf.notAfter < now }]
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    for (const { certificate, expired } of level) {
      const ca = cas.find((candidate) => isSignedBy(certificate, candidate))
      if (ca !== undefined) {
        return { ok: true, caKeyId: ca.keyId, expired: expired || ca.notAfter < now }
      }
    }
    // Breadth first, each intermediate once: a sender cannot buy work with certificates that sign each other.
    level = level.flatMap(({ certificate, expired }) =>
      intermediates
        .filter((issuer) => !seen.has(issuer.fingerprint) && mayIssue(issuer, certificate, depth))
        .map((issuer) => {
          seen.add(issuer.fingerprint)
          return { certificate: issuer, expired: expired || issuer.notAfter < now }
        }),
    )
  }
  return { ok: false, reason: `no accepted CA issued the certificate ${leaf.fingerprint}` }
}

/** `below` is the number of intermediates between `issuer` and the leaf. */
function mayIssue(issuer: Certificate, certificate: Certificate, below: number): boolean {
  return (
    issuer.isCA &&
    !issuer.hasUnknownCritical &&
    below <= (issuer.pathLength ?? MAX_DEPTH) &&
    isSignedBy(certificate, issuer)
  )
}

function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (certificate.issuer !== issuer.subject) {
    return false
  }
  try {
    // The key must come from a certificate: workerd's verify() is false for one from createPublicKey().
    const key = new X509Certificate(issuer.der).publicKey
    return new X509Certificate(certificate.der).verify(key)
  } catch {
    // OpenSSL throws, instead of answering false, for keys and algorithms that it does not know.
    return false
  }
}

/** `[0] EXPLICIT INTEGER`, absent in version 1 certificates, which some old CAs are. */
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

/** RFC 5480 §2.2: the hybrid form must not be used, though OpenSSL reads it. */
const POINT_FORMS: ReadonlySet<number> = new Set([2, 3, 4])

function readSpki(cursor: Cursor): Uint8Array {
  const spki = read(cursor, TAG.sequence, 'subjectPublicKeyInfo')
  const fields = inside(spki)
  const algorithm = readAlgorithm(fields, 'subjectPublicKeyInfo.algorithm')
  const key = readBits(fields, 'subjectPublicKey')
  finish(fields, 'subjectPublicKeyInfo')
  const type = readOid(inside(readOnly(algorithm, TAG.sequence, 'algorithm')), 'algorithm')
  if (type === OID.ecPublicKey && !POINT_FORMS.has(key[0] ?? 0)) {
    throw new DerError('subjectPublicKey: a point that is neither compressed nor uncompressed')
  }
  return encodingOf(spki)
}

/** Two-digit years are 1950 to 2049 (RFC 5280 §4.1.2.5.1). */
function readTime(cursor: Cursor, what: string): number {
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
