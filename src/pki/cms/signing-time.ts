import { atEnd, inside, read, readOid, readSingle, TAG } from '../asn1/der.ts'
import { OID } from '../asn1/oids.ts'
import { readTime } from '../x509/certificate.ts'

/**
 * When a signature says that it was made, in milliseconds since 1970 (RFC 5652 §11.3).
 *
 * @param attributes DER of the signed attributes, as a verified signature has them; empty for none
 * @returns the earliest time of several, or `undefined` without one
 * @throws DerError for a time that cannot be read
 */
export function signingTimeOf(attributes: Uint8Array): number | undefined {
  if (attributes.length === 0) {
    return undefined
  }
  const times: number[] = []
  const cursor = inside(readSingle(attributes, TAG.set, 'signedAttrs'))
  while (!atEnd(cursor)) {
    const attribute = inside(read(cursor, TAG.sequence, 'an attribute'))
    const type = readOid(attribute, 'attribute type')
    const values = inside(read(attribute, TAG.set, 'attribute values'))
    if (type === OID.signingTime) {
      do {
        times.push(readTime(values, 'signingTime'))
      } while (!atEnd(values))
    }
  }
  return times.length > 0 ? Math.min(...times) : undefined
}
