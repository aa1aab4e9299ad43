/**
 * Certificate signing requests (PKCS#10, RFC 2986): a device's request for a certificate, with proof that
 * it has the key.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import {
  atEnd,
  type Cursor,
  type Element,
  encodingOf,
  finish,
  inside,
  read,
  readAny,
  readBits,
  readOid,
  readSingle,
  readOptional,
  readSmallInteger,
  TAG,
} from '../asn1/der.ts'
import { requireStrictDer } from '../asn1/strict.ts'
import {
  bitString,
  element,
  integer,
  nothing,
  oid,
  sequence,
  setOf,
  utf8String,
} from '../asn1/der-write.ts'
import { type NameAttribute, readName, textOf, textOfName, writeName } from './name.ts'
import { type Digest, DIGEST_OIDS, OID } from '../asn1/oids.ts'
import { readPublicKey, rsaBitsOf } from './public-key.ts'

/** A signing request, read; byte strings are DER. */
export interface SigningRequest {
  /** Subject for people, `CN=…, O=…`; some Apple devices leave it empty. */
  readonly subjectText: string
  readonly commonName: string | undefined
  readonly spki: Uint8Array
  /** Bits of an RSA modulus; undefined for keys of other kinds. */
  readonly rsaBits: number | undefined
  /** The challenge (RFC 2985 §5.4.1); empty when there is none, or when there are two that differ. */
  readonly challengePassword: string
  /** Whether its signature was made with its key. */
  readonly isSigned: boolean
}

const ATTRIBUTES = 0xa0
const DIGESTS: readonly Digest[] = ['sha1', 'sha256', 'sha384', 'sha512']

/** Reads a request. Throws DerError when it is not strictly encoded. */
export function readSigningRequest(der: Uint8Array): SigningRequest {
  requireStrictDer(der, 'CSR')
  const outer = inside(readSingle(der, TAG.sequence, 'CSR'))
  const info = read(outer, TAG.sequence, 'certificationRequestInfo')
  const digest = readSignatureDigest(outer)
  const signature = readBits(outer, 'signature')
  finish(outer, 'CSR')
  const fields = inside(info)
  readSmallInteger(fields, 'CSR version')
  const subject = read(fields, TAG.sequence, 'subject')
  const names = readName(subject)
  const spki = encodingOf(read(fields, TAG.sequence, 'subjectPKInfo'))
  const attributes = readOptional(fields, ATTRIBUTES, 'attributes')
  finish(fields, 'certificationRequestInfo')
  const key = readPublicKey(spki)
  return {
    subjectText: textOfName(names),
    commonName: names.find(([type]) => type === 'CN')?.[1],
    spki,
    rsaBits: rsaBitsOf(key),
    challengePassword: attributes ? readChallenge(inside(attributes)) : '',
    isSigned: key !== undefined && digest !== undefined && isSignedBy(key, digest, info, signature),
  }
}

/** DER of a request with this subject, signed with `key`; RSA or EC. */
export function writeSigningRequest(options: {
  readonly subject: readonly NameAttribute[]
  readonly key: KeyObject
  readonly digest?: Digest
  readonly challengePassword?: string
}): Uint8Array {
  const { subject, key, digest = 'sha256', challengePassword } = options
  const attributes =
    challengePassword === undefined
      ? []
      : [sequence(oid(OID.challengePassword), setOf(utf8String(challengePassword)))]
  const spki = createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).export({
    type: 'spki',
    format: 'der',
  })
  const info = sequence(integer(0), writeName(subject), spki, element(ATTRIBUTES, ...attributes))
  const { rsa, ec } = DIGEST_OIDS[digest]
  const algorithm =
    key.asymmetricKeyType === 'rsa' ? sequence(oid(rsa), nothing()) : sequence(oid(ec))
  return sequence(info, algorithm, bitString(sign(digest, info, key)))
}

/** The hash of the signature; undefined when the signature is not RSA or ECDSA with SHA. */
function readSignatureDigest(outer: Cursor): Digest | undefined {
  const algorithm = inside(read(outer, TAG.sequence, 'signatureAlgorithm'))
  const id = readOid(algorithm, 'signatureAlgorithm')
  return DIGESTS.find((digest) => DIGEST_OIDS[digest].rsa === id || DIGEST_OIDS[digest].ec === id)
}

/**
 * The challenge among the attributes of a request. Some clients repeat it, in two attributes or in one. If
 * two challenges differ, neither counts. The other attributes grant nothing here.
 */
function readChallenge(cursor: Cursor): string {
  const found = new Set<string>()
  while (!atEnd(cursor)) {
    const fields = inside(read(cursor, TAG.sequence, 'CSR attribute'))
    const type = readOid(fields, 'CSR attribute')
    const values = inside(read(fields, TAG.set, `CSR attribute ${type}`))
    finish(fields, `CSR attribute ${type}`)
    while (type === OID.challengePassword && !atEnd(values)) {
      found.add(textOf(readAny(values, 'challengePassword')))
    }
  }
  found.delete('')
  const [challenge = '', ...others] = found
  return others.length === 0 ? challenge : ''
}

function isSignedBy(key: KeyObject, digest: Digest, info: Element, signature: Uint8Array): boolean {
  try {
    return verify(digest, encodingOf(info), key, signature)
  } catch {
    // OpenSSL throws, instead of answering false, for keys that do not fit the algorithm.
    return false
  }
}
