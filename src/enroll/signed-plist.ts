/** Reads the posts of enrolling devices: a plist inside a CMS that the device signs. */
import { signedContent, type SignatureCheck, verifyDetached } from '../pki/cms/cms.ts'
import { DerError } from '../pki/asn1/der.ts'
import { type Anchor, validatePath } from '../pki/x509/path.ts'
import { type Certificate, readCertificate } from '../pki/x509/certificate.ts'

/** Signed bytes and their signer; `reason` is for logs. */
export type SignedPlist =
  | { readonly ok: true; readonly content: Uint8Array; readonly signer: Signer }
  | { readonly ok: false; readonly reason: string }

type Signer = Extract<SignatureCheck, { readonly ok: true }>

/** The CAs that may vouch for a signer. */
export interface TrustedCAs {
  /** Apple's CAs for devices. They are pinned, because Apple's root vouches for developers too. */
  readonly apple: readonly Certificate[]
  /** The CAs whose identities are accepted. */
  readonly identity: readonly Anchor[]
}

/** `apple`: the device proves that Apple made it. `identity`: it proves its identity from this server. */
export type SignerCheck =
  | { readonly kind: 'apple' | 'identity' }
  | { readonly kind: 'stranger'; readonly reason: string }

/**
 * The content of an attached SignedData with one good signature (RFC 5652 §5). `whoSigned` judges its
 * signer. Never throws for bad input.
 */
export function openSignedPlist(der: Uint8Array): SignedPlist {
  const content = signedContent(der)
  if (content === undefined) {
    return { ok: false, reason: 'not a CMS that carries signed data' }
  }
  const signer = verifyDetached(der, content)
  return signer.ok ? { ok: true, content, signer } : signer
}

/**
 * Whether Apple's device CA or our own vouches for a signer, each by its row of `PATH_POLICIES`. `now` is
 * in milliseconds since 1970. Never throws for bad input.
 */
export function whoSigned(signer: Signer, cas: TrustedCAs, now: number): SignerCheck {
  try {
    const leaf = readCertificate(signer.certificate)
    const others = signer.others.map(readCertificate)
    const apple = cas.apple.map((certificate): Anchor => ({ certificate, row: 'apple' }))
    if (validatePath(leaf, others, apple, now).ok) {
      return { kind: 'apple' }
    }
    const ours = validatePath(leaf, others, cas.identity, now)
    return ours.ok ? { kind: 'identity' } : { kind: 'stranger', reason: ours.reason }
  } catch (error) {
    if (error instanceof DerError) {
      return { kind: 'stranger', reason: `the certificate cannot be read: ${error.message}` }
    }
    throw error
  }
}
