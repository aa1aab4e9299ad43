import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type CertificateRequest, issueCertificate } from '../../../src/pki/x509/issue.ts'
import { type Certificate, readCertificate } from '../../../src/pki/x509/certificate.ts'

export interface NodeIdentity {
  readonly certificate: Uint8Array
  readonly privateKey: KeyObject
  readonly read: Certificate
}

export interface IdentityOptions extends Partial<CertificateRequest> {
  /** EC is the fast one; RSA by default, as devices have. */
  readonly key?: 'rsa' | 'ec'
  readonly by?: NodeIdentity
}

/** A certificate with a fresh key: self-signed, or issued `by` another one. */
export function nodeIdentity({ key = 'rsa', by, ...request }: IdentityOptions = {}): NodeIdentity {
  const { publicKey, privateKey } =
    key === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = issueCertificate({
    subject: [['CN', 'device']],
    publicKey,
    signingKey: by?.privateKey ?? privateKey,
    ...(by && { issuer: by.read }),
    serial: Uint8Array.of(7),
    notBefore: Date.UTC(2020, 0),
    notAfter: Date.UTC(2030, 0),
    keyUsage: ['digitalSignature'],
    ...request,
  })
  return { certificate, privateKey, read: readCertificate(certificate) }
}
