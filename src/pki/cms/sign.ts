/** Makes CMS SignedData (RFC 5652 §5): the server's own signatures, and those of simulated devices. */
import { hash, type KeyObject, sign } from 'node:crypto'
import { TAG } from '../asn1/der.ts'
import {
  element,
  explicit,
  integer,
  nothing,
  octetString,
  oid,
  retagged,
  sequence,
  setOf,
  derTime,
} from '../asn1/der-write.ts'
import { type Digest, DIGEST_OIDS, OID } from '../asn1/oids.ts'
import { readIssuerAndSerial } from './signed-data.ts'

/**
 * The parts of a signature. `certificate` and `chain` are DER, `signingTime` is in milliseconds since 1970.
 */
export interface SigningOptions {
  readonly certificate: Uint8Array
  readonly privateKey: KeyObject
  readonly body: Uint8Array
  readonly digest: Digest
  readonly chain?: readonly Uint8Array[]
  readonly signingTime?: number
  /** With signed attributes (default), or over the body directly, as Apple's devices do. */
  readonly withAttributes?: boolean
  /** DER of further signed attributes, each an Attribute. */
  readonly attributes?: readonly Uint8Array[]
}

/** DER of a detached SignedData over `body`, as an `Mdm-Signature` holds it. RFC 5652 §5. */
export function signDetached(options: SigningOptions): Uint8Array {
  return signedDataOf(options, sequence(oid(OID.data)))
}

/** DER of a SignedData that carries `body`, as a signed profile is. RFC 5652 §5. */
export function signAttached(options: SigningOptions): Uint8Array {
  return signedDataOf(options, sequence(oid(OID.data), explicit(0, octetString(options.body))))
}

/** DER of a SignedData without signers: a bag of certificates, the first one first. RFC 5652 §5.2. */
export function certificatesOnly(certificates: readonly Uint8Array[]): Uint8Array {
  return sequence(
    oid(OID.signedData),
    explicit(
      0,
      sequence(
        integer(1),
        setOf(),
        sequence(oid(OID.data)),
        // DER would sort this SET. The leaf goes first all the same, because clients take the first
        // certificate.
        element(0xa0, ...certificates),
        setOf(),
      ),
    ),
  )
}

function signedDataOf(options: SigningOptions, encapsulated: Uint8Array): Uint8Array {
  const { certificate, chain = [], digest } = options
  return sequence(
    oid(OID.signedData),
    explicit(
      0,
      sequence(
        integer(1),
        setOf(sequence(oid(DIGEST_OIDS[digest].hash), nothing())),
        encapsulated,
        element(0xa0, certificate, ...chain),
        setOf(signerInfoOf(options)),
      ),
    ),
  )
}

function signerInfoOf(options: SigningOptions): Uint8Array {
  const { certificate, privateKey, body, digest, withAttributes = true } = options
  const oids = DIGEST_OIDS[digest]
  const { issuer, serial } = readIssuerAndSerial(certificate)
  const attributes = withAttributes ? attributesOf(options) : undefined
  const isRsa = privateKey.asymmetricKeyType === 'rsa'
  return sequence(
    integer(1),
    sequence(issuer, element(TAG.integer, serial)),
    sequence(oid(oids.hash), nothing()),
    ...(attributes ? [retagged(attributes, 0xa0)] : []),
    isRsa ? sequence(oid(OID.rsaEncryption), nothing()) : sequence(oid(oids.ec)),
    octetString(sign(digest, attributes ?? body, privateKey)),
  )
}

function attributesOf(options: SigningOptions): Uint8Array {
  const { body, digest, signingTime, attributes = [] } = options
  const bodyHash = hash(digest, body, 'buffer')
  return setOf(
    sequence(oid(OID.contentType), setOf(oid(OID.data))),
    ...(signingTime === undefined
      ? []
      : [sequence(oid(OID.signingTime), setOf(derTime(signingTime)))]),
    sequence(oid(OID.messageDigest), setOf(octetString(bodyHash))),
    ...attributes,
  )
}
