/** Facts about a certificate, which two tables hold. */
import { drizzle } from 'drizzle-orm/d1'
import type { Binding } from '../pki/seal/challenge.ts'
import { bindingQuery } from './certificates.ts'
import { ownerQuery } from './identities.ts'

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
  const db = drizzle(d1)
  const [[owned], [issued]] = await db.batch([
    ownerQuery(db, fingerprint),
    bindingQuery(db, fingerprint),
  ])
  return {
    owner: owned?.enrollment,
    issued: issued && {
      profile: issued.profile,
      binding: { udid: issued.udid, serial: issued.serial },
    },
  }
}
