import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { issueCertificate, pem, randomSerial } from '../../pki/x509/issue.ts'
import { type Certificate, readCertificate, readPem } from '../../pki/x509/certificate.ts'

/** A CA that signs device identities. */
export interface Issuer {
  readonly certificate: Certificate
  readonly privateKey: KeyObject
}

/** The certificate and key that a device signs its messages with. */
export interface SimulatedIdentity {
  /** DER. */
  readonly certificate: Uint8Array
  readonly privateKey: KeyObject
  readonly commonName: string
}

export interface IdentityPem {
  readonly certificate: string
  readonly privateKey: string
}

export type KeyKind = 'rsa' | 'ec'

const YEAR = 365 * 24 * 60 * 60 * 1000
const HOUR = 60 * 60 * 1000

/** A new private key: RSA-2048, or P-256. An RSA key takes about 80 ms, so fleets share one. */
export function newKey(kind: KeyKind): KeyObject {
  return kind === 'rsa'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}

/** The CA in two PEM texts. @throws Error when one of them cannot be read or they do not belong together. */
export function readIssuer(texts: IdentityPem): Issuer {
  const certificate = onlyCertificate(texts.certificate)
  const privateKey = createPrivateKey(texts.privateKey)
  if (!Buffer.from(certificate.spki).equals(publicKeyOf(privateKey))) {
    throw new Error('the CA key does not belong to the CA certificate')
  }
  return { certificate, privateKey }
}

/** A self-signed CA, for tests and for servers that have none. */
export function createIssuer(options: {
  readonly commonName: string
  readonly key?: KeyObject
  readonly now?: Date
}): Issuer {
  const { commonName, key = newKey('rsa'), now = new Date() } = options
  const der = issueCertificate({
    subject: [['CN', commonName]],
    publicKey: createPublicKey(key),
    signingKey: key,
    serial: randomSerial(),
    notBefore: now.getTime() - HOUR,
    notAfter: now.getTime() + 10 * YEAR,
    ca: true,
    keyUsage: ['keyCertSign', 'cRLSign'],
  })
  return { certificate: readCertificate(der), privateKey: key }
}

/** A device identity with a year of life, for a key of its own or a given one. */
export function createIdentity(options: {
  readonly ca: Issuer
  readonly commonName: string
  readonly key?: KeyObject
  readonly kind?: KeyKind
  readonly now?: Date
  readonly serial?: Uint8Array
}): SimulatedIdentity {
  const { ca, commonName, kind = 'rsa', now = new Date() } = options
  const privateKey = options.key ?? newKey(kind)
  const certificate = issueCertificate({
    subject: [['CN', commonName]],
    publicKey: createPublicKey(privateKey),
    signingKey: ca.privateKey,
    issuer: ca.certificate,
    serial: options.serial ?? randomSerial(),
    // The clocks of devices and servers differ by minutes.
    notBefore: now.getTime() - HOUR,
    notAfter: now.getTime() + YEAR,
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    extKeyUsage: ['clientAuth'],
  })
  return { certificate, privateKey, commonName }
}

export function identityToPem({ certificate, privateKey }: SimulatedIdentity): IdentityPem {
  return {
    certificate: pem('CERTIFICATE', certificate),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** @throws Error when one of the texts cannot be read. */
export function identityFromPem(texts: IdentityPem): SimulatedIdentity {
  const { der, commonName = '' } = onlyCertificate(texts.certificate)
  return { certificate: der, privateKey: createPrivateKey(texts.privateKey), commonName }
}

function onlyCertificate(text: string): Certificate {
  const [der] = readPem(text)
  if (der === undefined) {
    throw new Error('no certificate in the PEM text')
  }
  return readCertificate(der)
}

function publicKeyOf(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
}
