import { signAttached } from '../pki/cms/sign.ts'
import type { ProfileSigner } from '../pki/x509/signer.ts'

/** A profile inside a signature of the configured certificate; `now` in milliseconds since 1970. */
export function signProfile(
  profile: Uint8Array,
  signer: ProfileSigner | undefined,
  now: number,
): Uint8Array {
  return signer
    ? signAttached({
        certificate: signer.certificate.der,
        chain: signer.chain,
        privateKey: signer.privateKey,
        body: profile,
        digest: 'sha256',
        signingTime: now,
      })
    : profile
}
