/** Facts about a certificate, which three tables hold. */
import { drizzle } from 'drizzle-orm/d1'
import type { Binding } from '../pki/seal/challenge.ts'
import { authorityQuery } from './authorities.ts'
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
  /**
   * Since when this server records the certificates of its CA: always, or since the CA was imported
   * (milliseconds). A later certificate without a row was forgotten. Undefined for a CA that issues nothing
   * here.
   */
  readonly recordedSince: number | undefined
}

/** `authority` is the `key_id` of its CA. */
export async function certificateFacts(
  d1: D1Database,
  fingerprint: string,
  authority: string,
): Promise<CertificateFacts> {
  const db = drizzle(d1)
  const [[owned], [issued], [ca]] = await db.batch([
    ownerQuery(db, fingerprint),
    bindingQuery(db, fingerprint),
    authorityQuery(db, authority),
  ])
  return {
    owner: owned?.enrollment,
    issued: issued && {
      profile: issued.profile,
      binding: { udid: issued.udid, serial: issued.serial },
    },
    recordedSince: ca && (ca.imported ? ca.addedAt : 0),
  }
}
