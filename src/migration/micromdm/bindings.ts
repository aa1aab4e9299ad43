import { Buffer } from 'node:buffer'
import { faultOfDeviceId } from '../../mdm/enrollment.ts'
import type { BoltBucket } from '../bolt/bolt.ts'
import type { MovedBinding } from '../moved.ts'
import type { Depot } from './certificates.ts'
import { base64Of, type FleetNotes, keep, listed, remark } from './notes.ts'
import { asItIs, rowsOf } from './tables.ts'

const SHA256_BYTES = 32

/**
 * The certificate that MicroMDM bound each UDID to (bucket mdm.UDIDCertAuth). One that is bound to two UDIDs
 * proves neither: both have none.
 *
 * @param now for the remark on a certificate that has expired, in milliseconds since 1970
 */
export function readBindings(
  root: BoltBucket,
  { issued }: Depot,
  now: number,
  notes: FleetNotes,
): ReadonlyMap<string, readonly MovedBinding[]> {
  const good = rowsOf(root, 'mdm.UDIDCertAuth', asItIs).filter(({ key, value }) => {
    const fault = faultOfDeviceId(key)
    if (fault === undefined && value.length === SHA256_BYTES) {
      return true
    }
    const hash = `Its binding has ${value.length} bytes: a SHA-256 has ${SHA256_BYTES}.`
    remark(notes, fault ? 'bad_id' : 'bad_binding', key, fault ? `The key is ${fault}.` : hash)
    keep(notes, 'binding', key, value)
    return false
  })
  const owners = Map.groupBy(good, ({ value }) => Buffer.from(value).toString('hex'))
  return new Map(
    [...owners].flatMap(([fingerprint, rows]) => {
      const certificate = issued.get(fingerprint)
      const binding = {
        fingerprint,
        ...(certificate && { certificate: base64Of(certificate.der) }),
      }
      for (const { key } of rows) {
        if (rows.length > 1) {
          const others = rows.map((row) => row.key).filter((other) => other !== key)
          const text = `Its certificate ${fingerprint} is bound to ${listed(others)} too.`
          remark(notes, 'binding_shared', key, text)
        }
        if (certificate && certificate.notAfter < now) {
          const end = new Date(certificate.notAfter).toISOString()
          remark(notes, 'expired', key, `Its certificate expired on ${end}.`)
        }
      }
      return rows.map(({ key }) => [key, rows.length > 1 ? [] : [binding]] as const)
    }),
  )
}
