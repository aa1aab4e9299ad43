/** The key pair whose certificate an admin uploads to Apple, and for which Apple encrypts a token. */
import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { DerError } from '../pki/asn1/der.ts'
import { readCertificate } from '../pki/x509/certificate.ts'
import { BACKDATED } from '../pki/x509/authority.ts'
import { issueCertificate, randomSerial } from '../pki/x509/issue.ts'
import { readIssuerAndSerial } from '../pki/cms/signed-data.ts'

const YEAR = 365 * 86_400_000

export interface DepKey {
  /** Of the certificate, as `readTokenFile` names it. */
  readonly serial: string
  /** DER. */
  readonly certificate: Uint8Array
  readonly privateKey: KeyObject
}

/** A fresh RSA pair of 2048 bits with its certificate. It takes up to a second. */
export function createDepKey(now: number): DepKey {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const certificate = depCertificate(pair, now)
  return { serial: depKeySerial(certificate), certificate, privateKey: pair.privateKey }
}

/** DER of a self-signed certificate for an RSA pair of 2048 bits, valid for a year from `now`. */
export function depCertificate(
  pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  now: number,
): Uint8Array {
  return issueCertificate({
    subject: [
      ['O', 'EdgeMDM'],
      ['CN', 'EdgeMDM Device Enrollment'],
    ],
    publicKey: pair.publicKey,
    signingKey: pair.privateKey,
    serial: randomSerial(),
    notBefore: now - BACKDATED,
    notAfter: now + YEAR,
    keyUsage: ['digitalSignature', 'keyEncipherment'],
  })
}

/** The serial number of a certificate as `readTokenFile` names it, hexadecimal. Throws DerError. */
export function depKeySerial(certificate: Uint8Array): string {
  return Buffer.from(readIssuerAndSerial(certificate).serial).toString('hex')
}

/**
 * A key pair that was made elsewhere; undefined when it cannot be read, or the two do not belong together.
 *
 * @param key DER
 */
export function readDepKey(
  certificate: Uint8Array,
  key: Uint8Array,
  type: 'pkcs1' | 'pkcs8',
): DepKey | undefined {
  const privateKey = privateKeyOf(key, type)
  try {
    const spki = privateKey && createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
    return spki && Buffer.compare(spki, readCertificate(certificate).spki) === 0
      ? { serial: depKeySerial(certificate), certificate, privateKey }
      : undefined
  } catch (error) {
    if (error instanceof DerError) {
      return undefined
    }
    throw error
  }
}

function privateKeyOf(key: Uint8Array, type: 'pkcs1' | 'pkcs8'): KeyObject | undefined {
  try {
    return createPrivateKey({ key: Buffer.from(key), format: 'der', type })
  } catch {
    return undefined
  }
}
