/** Facts about a certificate, which two tables hold. */
import type { Binding } from '../pki/seal/challenge.ts'
import { bindingQuery } from './certificates.ts'
import { ownerQuery } from './identities.ts'
import { writeAll } from './sql.ts'

/** Facts about a certificate that its device does not know. */
export interface CertificateFacts {
  /** The enrolment that has claimed it. */
  readonly owner: string | undefined
  /**
   * The device that its challenge was bound to, and the version of the profile with it; undefined where
   * another server issued it.
   */
  readonly issued: { readonly binding: Binding; readonly profile: number } | undefined
}

export async function certificateFacts(
  d1: D1Database,
  fingerprint: string,
): Promise<CertificateFacts> {
  const [owners, bindings] = await writeAll(d1, [
    ownerQuery(fingerprint),
    bindingQuery(fingerprint),
  ])
  const [issued] = bindings.results
  return {
    owner: owners.results[0]?.enrollment,
    issued: issued && {
      profile: issued.profile,
      binding: { udid: issued.boundUdid, serial: issued.boundSerial },
    },
  }
}
