import { Buffer } from 'node:buffer'
import { type KeyObject, sign } from 'node:crypto'
import { writePlist } from '../../plist/write.ts'
import { pem } from './issue.ts'

/** The parts of the request that a vendor signs for a customer. Certificates and request are DER. */
export interface PushCertificateRequest {
  /** The customer's PKCS#10 request. */
  readonly csr: Uint8Array
  /** Key of the vendor's MDM signing certificate, RSA. */
  readonly vendorKey: KeyObject
  /** The vendor's certificate, its issuer (WWDR) and Apple's root, in this order. */
  readonly chain: readonly Uint8Array[]
}

/**
 * The file that identity.apple.com takes: base64, in one line, of an XML plist with the request, its
 * signature (RSA PKCS#1 v1.5 with SHA-256 over the request's DER) and the chain as PEM (Apple: "Setting up
 * push notifications for your MDM customers").
 */
export function signPushRequest({ csr, vendorKey, chain }: PushCertificateRequest): string {
  const plist = writePlist({
    PushCertRequestCSR: Buffer.from(csr).toString('base64'),
    PushCertCertificateChain: chain.map((der) => pem('CERTIFICATE', der)).join(''),
    PushCertSignature: sign('sha256', csr, vendorKey).toString('base64'),
  })
  return Buffer.from(plist).toString('base64')
}
