/** The CAs whose certificates are accepted, and the check of a certificate against them. */
import { clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { Claim } from '../device/enrolment/identity.ts'
import { authorityAnchors } from '../directory/authorities.ts'
import { DerError } from '../pki/asn1/der.ts'
import type { SignatureCheck } from '../pki/cms/cms.ts'
import { readCertificate } from '../pki/x509/certificate.ts'
import { type Anchor, imported, validatePath } from '../pki/x509/path.ts'

export type Signer = Extract<SignatureCheck, { ok: true }>

/** A certificate whose path to an accepted CA is valid. */
export interface ValidPath extends Pick<Claim, 'caKey' | 'subject' | 'notAfter'> {
  readonly ok: true
  readonly warnings: readonly string[]
  readonly notBefore: number
}

/** The age of the list. A new CA is found at once; a removed one has no effect, because a claim checks D1. */
export const AUTHORITIES_FOR = 30_000
const ownCAs = new WeakMap<D1Database, { at: number; anchors: readonly Anchor[] }>()

/** A certificate that no accepted CA vouches for. */
interface Unfit {
  readonly ok: false
  readonly status: 400
  readonly reason: string
}

/** Our own CAs, as they were at most `age` milliseconds ago, and those of `DEVICE_CA`. */
export async function acceptedCAs(db: D1Database, config: Config, age: number): Promise<Anchor[]> {
  let own = ownCAs.get(db)
  if (own === undefined || clock.now() - own.at >= age) {
    if (own !== undefined) {
      // Other requests use the known value during the read.
      ownCAs.set(db, { ...own, at: clock.now() })
    }
    own = { at: clock.now(), anchors: await authorityAnchors(db) }
    ownCAs.set(db, own)
  }
  return withOthers(own.anchors, config)
}

/** The same without D1: our own CAs as this isolate last read them, if it has, however long ago. */
export function lastKnownCAs(db: D1Database, config: Config): Anchor[] {
  return withOthers(ownCAs.get(db)?.anchors ?? [], config)
}

/** Our own CAs stay ours even if `DEVICE_CA` names them too: their certificates have rows with a binding. */
function withOthers(own: readonly Anchor[], { deviceCAs }: Config): Anchor[] {
  const others = deviceCAs.filter(({ keyId }) => !isOneOf(own, keyId))
  return [...own, ...others.map(imported)]
}

/** Whether only `DEVICE_CA` has a CA. One in neither list was removed: D1 then refuses the claim. */
export function isOthers(db: D1Database, { deviceCAs }: Config, caKey: string): boolean {
  return (
    !isOneOf(ownCAs.get(db)?.anchors ?? [], caKey) && deviceCAs.some(({ keyId }) => keyId === caKey)
  )
}

function isOneOf(anchors: readonly Anchor[], caKey: string): boolean {
  return anchors.some(({ certificate }) => certificate.keyId === caKey)
}

export function check(cas: readonly Anchor[], signer: Signer): ValidPath | Unfit {
  try {
    const leaf = readCertificate(signer.certificate)
    const path = validatePath(leaf, signer.others.map(readCertificate), cas, clock.now())
    if (!path.ok) {
      return { ok: false, status: 400, reason: path.reason }
    }
    const { subject, notBefore, notAfter } = leaf
    const { caKeyId: caKey, warnings } = path
    return { ok: true, caKey, subject, notBefore, notAfter, warnings }
  } catch (error) {
    if (error instanceof DerError) {
      return { ok: false, status: 400, reason: `the certificate cannot be read: ${error.message}` }
    }
    throw error
  }
}
