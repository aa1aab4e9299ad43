import { signDetached } from '../../src/pki/cms/sign.ts'
import type { SimulatedIdentity } from '../../src/simulator/device/identity.ts'

export type Signer = Pick<SimulatedIdentity, 'certificate' | 'privateKey'>

/** The header of a message that a device signs. */
export function signatureOf(
  { certificate, privateKey }: Signer,
  body: Uint8Array,
): Record<string, string> {
  const signature = signDetached({ certificate, privateKey, body, digest: 'sha256' })
  return { 'mdm-signature': Buffer.from(signature).toString('base64') }
}
