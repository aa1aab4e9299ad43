/**
 * Makes X.509 certificates (RFC 5280): the project's own CA, device identities, and push and TLS server
 * certificates for local runs.
 */
import { Buffer } from 'node:buffer'
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto'
import { cursorOver, inside, read, readBits, TAG } from '../asn1/der.ts'
import {
  bitString,
  booleanTrue,
  explicit,
  implicit,
  integer,
  nothing,
  octetString,
  oid,
  sequence,
  derTime,
} from '../asn1/der-write.ts'
import { type NameAttribute, writeName } from './name.ts'
import { DIGEST_OIDS, EXT_KEY_USAGE_OIDS, OID } from '../asn1/oids.ts'
import type { Certificate } from './certificate.ts'

/** Bits of keyUsage by name (RFC 5280 §4.2.1.3). */
const KEY_USAGE_BITS = {
  digitalSignature: 0x80,
  keyEncipherment: 0x20,
  keyCertSign: 0x04,
  cRLSign: 0x02,
} as const

export type KeyUsage = keyof typeof KEY_USAGE_BITS
export type ExtKeyUsage = keyof typeof EXT_KEY_USAGE_OIDS

/** The content of a new certificate. Times are milliseconds since 1970. */
export interface CertificateRequest {
  /** In order, `['CN', 'x']`; a push certificate's topic is `['UID', topic]`. */
  readonly subject: readonly NameAttribute[]
  /** The subject's public key: a KeyObject, or DER of SubjectPublicKeyInfo from a CSR. */
  readonly publicKey: KeyObject | Uint8Array
  /** Key of the issuer; with `issuer` absent, of the subject itself. */
  readonly signingKey: KeyObject
  /** The issuer's certificate; absent for a self-signed one. */
  readonly issuer?: Certificate
  /** Big-endian, positive, at most 20 bytes (`randomSerial`). */
  readonly serial: Uint8Array
  readonly notBefore: number
  readonly notAfter: number
  readonly ca?: boolean
  readonly keyUsage: readonly KeyUsage[]
  readonly extKeyUsage?: readonly ExtKeyUsage[]
  /** Subject alternative names: host names and dotted IPv4 addresses. */
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
}

/** A random positive serial number of 16 bytes (RFC 5280 §4.1.2.2), from `node:crypto`. */
export function randomSerial(): Uint8Array {
  const serial = new Uint8Array(randomBytes(16))
  // A set top bit would make it negative. The CA/Browser rules dislike a zero first byte.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  return serial
}

/**
 * DER of an X.509 v3 certificate, signed with SHA-256 by an RSA or EC key (RFC 5280 §4.1, RFC 5758 §3.2).
 * @throws RangeError for a subject attribute or address that it cannot write
 */
export function issueCertificate(request: CertificateRequest): Uint8Array {
  const { signingKey, issuer } = request
  const isRsa = signingKey.asymmetricKeyType === 'rsa'
  const { rsa, ec } = DIGEST_OIDS.sha256
  const algorithm = isRsa ? sequence(oid(rsa), nothing()) : sequence(oid(ec))
  const subject = writeName(request.subject)
  const spki = spkiOf(request.publicKey)
  const tbs = sequence(
    explicit(0, integer(2)),
    integer(request.serial),
    algorithm,
    issuer === undefined ? subject : Buffer.from(issuer.subject, 'hex'),
    sequence(derTime(request.notBefore), derTime(request.notAfter)),
    subject,
    spki,
    explicit(3, sequence(...extensionsOf(request, spki))),
  )
  return sequence(tbs, algorithm, bitString(sign('sha256', tbs, signingKey)))
}

/** PEM of `der` (RFC 7468) with this label, `CERTIFICATE` for example, and a line break at the end. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

function extensionsOf(request: CertificateRequest, spki: Uint8Array): Uint8Array[] {
  const { ca = false, issuer, extKeyUsage = [] } = request
  const ownId = keyIdentifierOf(spki)
  const issuerId = issuer === undefined ? ownId : issuer.subjectKeyIdentifier
  const names = [
    ...(request.dnsNames ?? []).map((name) => implicit(2, Buffer.from(name, 'latin1'))),
    ...(request.ipAddresses ?? []).map((address) => implicit(7, ipv4(address))),
  ]
  const usages = extKeyUsage.map((usage) => oid(EXT_KEY_USAGE_OIDS[usage]))
  return [
    extension(OID.basicConstraints, true, sequence(...(ca ? [booleanTrue()] : []))),
    extension(OID.keyUsage, true, keyUsageBits(request.keyUsage)),
    ...(usages.length > 0 ? [extension(OID.extKeyUsage, false, sequence(...usages))] : []),
    extension(OID.subjectKeyIdentifier, false, octetString(ownId)),
    ...(issuerId
      ? [extension(OID.authorityKeyIdentifier, false, sequence(implicit(0, issuerId)))]
      : []),
    ...(names.length > 0 ? [extension(OID.subjectAltName, false, sequence(...names))] : []),
  ]
}

function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  return sequence(oid(id), ...(critical ? [booleanTrue()] : []), octetString(value))
}

/** A named bit list ends at its last set bit (X.690 §11.2.2). */
function keyUsageBits(usages: readonly KeyUsage[]): Uint8Array {
  const bits = usages.reduce((sum, usage) => sum | KEY_USAGE_BITS[usage], 0)
  const unused = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits)
  return bits === 0 ? bitString(new Uint8Array()) : bitString(Uint8Array.of(bits), unused)
}

/** RFC 7093 §2 method 1: the first 160 bits of the key's SHA-256. */
function keyIdentifierOf(spki: Uint8Array): Uint8Array {
  const fields = inside(read(cursorOver(spki), TAG.sequence, 'subjectPublicKeyInfo'))
  read(fields, TAG.sequence, 'algorithm')
  const key = readBits(fields, 'subjectPublicKey')
  return createHash('sha256').update(key).digest().subarray(0, 20)
}

function spkiOf(publicKey: KeyObject | Uint8Array): Uint8Array {
  return publicKey instanceof Uint8Array
    ? publicKey
    : publicKey.export({ type: 'spki', format: 'der' })
}

function ipv4(address: string): Uint8Array {
  const octets = address.split('.').map(Number)
  if (octets.length !== 4 || octets.some((octet) => !(octet >= 0 && octet <= 255))) {
    throw new RangeError(`not a dotted IPv4 address: ${address}`)
  }
  return Uint8Array.from(octets)
}
