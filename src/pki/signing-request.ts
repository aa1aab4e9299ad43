/** Certificate signing requests (PKCS#10, RFC 2986): what a device asks for, and proof that it has the key. */
import { Buffer } from 'node:buffer'
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import {
  atEnd,
  type Cursor,
  DerError,
  type Element,
  encodingOf,
  finish,
  inside,
  read,
  readAny,
  readBits,
  readOid,
  readOnly,
  readOptional,
  readSmallInteger,
  requireStrictDer,
  TAG,
} from './der.ts'
import {
  bitString,
  element,
  integer,
  nothing,
  octetString,
  oid,
  sequence,
  setOf,
  utf8String,
} from './der-write.ts'
import { listExtensions } from './extensions.ts'
import { type NameAttribute, readName, textOf, writeName } from './name.ts'
import { type Digest, DIGEST_OIDS, OID } from './oids.ts'

/** A signing request, read; byte strings are DER. */
export interface SigningRequest {
  readonly subject: Uint8Array
  /** Subject for people, `CN=…, O=…`. */
  readonly subjectText: string
  readonly commonName: string | undefined
  readonly spki: Uint8Array
  /** Bits of an RSA modulus; undefined for keys of other kinds. */
  readonly rsaBits: number | undefined
  /** RFC 2985 §5.4.1; empty when there is none. */
  readonly challengePassword: string
  /** GeneralNames that it asks for. */
  readonly subjectAltName: Uint8Array | undefined
  /** Whether its signature was made with its key. */
  readonly isSigned: boolean
}

const ATTRIBUTES = 0xa0
const DIGESTS: readonly Digest[] = ['sha1', 'sha256', 'sha384', 'sha512']

/** Reads a request. Throws DerError when it is not strictly encoded or repeats an attribute. */
export function readSigningRequest(der: Uint8Array): SigningRequest {
  requireStrictDer(der, 'CSR')
  const outer = inside(readOnly(der, TAG.sequence, 'CSR'))
  const info = read(outer, TAG.sequence, 'certificationRequestInfo')
  const digest = readSignatureDigest(outer)
  const signature = readBits(outer, 'signature')
  finish(outer, 'CSR')
  const fields = inside(info)
  readSmallInteger(fields, 'CSR version')
  const subject = read(fields, TAG.sequence, 'subject')
  const names = readName(subject)
  const spki = encodingOf(read(fields, TAG.sequence, 'subjectPKInfo'))
  const attributes = readAttributes(readOptional(fields, ATTRIBUTES, 'attributes'))
  finish(fields, 'certificationRequestInfo')
  const key = publicKeyOf(spki)
  const challenge = attributes.get(OID.challengePassword)
  return {
    subject: encodingOf(subject),
    subjectText: names.map(([type, value]) => `${type}=${value}`).join(', '),
    commonName: names.find(([type]) => type === 'CN')?.[1],
    spki,
    rsaBits: key?.asymmetricKeyType === 'rsa' ? key.asymmetricKeyDetails?.modulusLength : undefined,
    challengePassword: challenge ? textOf(challenge) : '',
    subjectAltName: readAltName(attributes.get(OID.extensionRequest)),
    isSigned: key !== undefined && digest !== undefined && isSignedBy(key, digest, info, signature),
  }
}

/** DER of a request with this subject, signed with `key`; RSA or EC. */
export function writeSigningRequest(options: {
  readonly subject: readonly NameAttribute[]
  readonly key: KeyObject
  readonly digest?: Digest
  readonly challengePassword?: string
  readonly subjectAltName?: Uint8Array
}): Uint8Array {
  const { subject, key, digest = 'sha256', challengePassword, subjectAltName } = options
  const attributes = [
    ...(challengePassword === undefined
      ? []
      : [attribute(OID.challengePassword, utf8String(challengePassword))]),
    ...(subjectAltName
      ? [
          attribute(
            OID.extensionRequest,
            sequence(sequence(oid(OID.subjectAltName), octetString(subjectAltName))),
          ),
        ]
      : []),
  ]
  const spki = createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).export({
    type: 'spki',
    format: 'der',
  })
  const info = sequence(
    integer(0),
    writeName(subject),
    spki,
    element(ATTRIBUTES, ...attributes.toSorted((a, b) => Buffer.compare(a, b))),
  )
  const { rsa, ec } = DIGEST_OIDS[digest]
  const algorithm =
    key.asymmetricKeyType === 'rsa' ? sequence(oid(rsa), nothing()) : sequence(oid(ec))
  return sequence(info, algorithm, bitString(sign(digest, info, key)))
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), setOf(value))
}

/** The hash of the signature; undefined when it is signed with anything but RSA or ECDSA and SHA. */
function readSignatureDigest(outer: Cursor): Digest | undefined {
  const algorithm = inside(read(outer, TAG.sequence, 'signatureAlgorithm'))
  const id = readOid(algorithm, 'signatureAlgorithm')
  return DIGESTS.find((digest) => DIGEST_OIDS[digest].rsa === id || DIGEST_OIDS[digest].ec === id)
}

/** The single value of each attribute, by its type. */
function readAttributes(set: Element | undefined): Map<string, Element> {
  const values = new Map<string, Element>()
  if (set === undefined) {
    return values
  }
  const cursor = inside(set)
  while (!atEnd(cursor)) {
    const fields = inside(read(cursor, TAG.sequence, 'CSR attribute'))
    const type = readOid(fields, 'CSR attribute')
    const inner = inside(read(fields, TAG.set, `CSR attribute ${type}`))
    const value = readAny(inner, `CSR attribute ${type}`)
    finish(inner, `CSR attribute ${type}`)
    finish(fields, `CSR attribute ${type}`)
    if (values.has(type)) {
      throw new DerError(`CSR attribute ${type}: present twice`)
    }
    values.set(type, value)
  }
  return values
}

function readAltName(request: Element | undefined): Uint8Array | undefined {
  if (request === undefined) {
    return undefined
  }
  const names = listExtensions(encodingOf(request)).find(({ id }) => id === OID.subjectAltName)
  if (names) {
    requireStrictDer(names.value, 'subjectAltName')
    readOnly(names.value, TAG.sequence, 'subjectAltName')
  }
  return names?.value
}

function isSignedBy(key: KeyObject, digest: Digest, info: Element, signature: Uint8Array): boolean {
  try {
    return verify(digest, encodingOf(info), key, signature)
  } catch {
    // OpenSSL throws, instead of answering false, for keys that do not go with the algorithm.
    return false
  }
}

function publicKeyOf(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}
