import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { bitString, element, integer, nothing, oid, sequence } from '../asn1/der-write.ts'
import { type NameAttribute, writeName } from './name.ts'
import { DIGEST_OIDS } from '../asn1/oids.ts'

/** `[0] IMPLICIT SET OF Attribute`, present even when empty (RFC 2986 §4.1). */
const ATTRIBUTES = 0xa0

/**
 * DER of a PKCS#10 request without attributes for an RSA key, signed with SHA-256 (RFC 2986 §4). @throws
 * RangeError for a subject attribute that it cannot write
 */
export function writeCertificationRequest(
  subject: readonly NameAttribute[],
  privateKey: KeyObject,
): Uint8Array {
  const info = sequence(
    integer(0),
    writeName(subject),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    element(ATTRIBUTES),
  )
  const algorithm = sequence(oid(DIGEST_OIDS.sha256.rsa), nothing())
  return sequence(info, algorithm, bitString(sign('sha256', info, privateKey)))
}
