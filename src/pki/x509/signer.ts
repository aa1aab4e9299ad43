/** Reads a certificate and its key, as an admin configures them, that sign profiles. */
import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { type Certificate, readCertificate, readPem } from './certificate.ts'
import { OwnError } from '../../reason.ts'

export interface ProfileSigner {
  readonly certificate: Certificate
  /** DER of the certificates between it and a root. */
  readonly chain: readonly Uint8Array[]
  readonly privateKey: KeyObject
}

/**
 * Reads PEM: the signer's certificate first, its intermediates after it, and its key (PKCS#1, SEC 1 or
 * PKCS#8, not encrypted).
 *
 * @throws Error that says what is wrong, and never repeats a key
 */
export function readSigner(certificatesPem: string, keyPem: string): ProfileSigner {
  const [der, ...chain] = readPem(certificatesPem)
  if (der === undefined) {
    throw new OwnError('holds no PEM CERTIFICATE block')
  }
  const certificate = readCertificate(der)
  for (const intermediate of chain) {
    readCertificate(intermediate)
  }
  const privateKey = readKey(keyPem)
  // Read from PEM and compared as SPKI: workerd takes no KeyObject here, and its checkPrivateKey() fails
  // for matching pairs.
  const spki = createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).export({
    type: 'spki',
    format: 'der',
  })
  if (Buffer.compare(spki, certificate.spki) !== 0) {
    throw new OwnError('the private key does not belong to the certificate')
  }
  return { certificate, chain, privateKey }
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new OwnError('the private key is no unencrypted PEM')
  }
}
