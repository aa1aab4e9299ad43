/**
 * Checks an MDM push certificate and its key, as an admin uploads them, before anything is kept: Apple
 * answers a wrong pair only with a closed connection.
 */
import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { DerError } from '../asn1/der.ts'
import { pem } from './issue.ts'
import { type Certificate, readCertificate, readPem } from './certificate.ts'

/** A usable push certificate, or one line that says why it is not usable. */
export type PushCertificateCheck =
  | {
      readonly ok: true
      /** The UID of the subject, `com.apple.mgmt.…`. */
      readonly topic: string
      /** Milliseconds since 1970. */
      readonly notAfter: number
      readonly certificatePem: string
      /** The key as PEM: always PKCS#8, not encrypted. */
      readonly keyPem: string
      /** SHA-256 of the certificate, lower-case hex. */
      readonly fingerprint: string
    }
  | { readonly ok: false; readonly error: string }

const TOPIC_PREFIX = 'com.apple.mgmt.'
const DAY = 86_400_000
/** Apple writes to the account's owner 30 days before. The log warns earlier. */
const WARN_DAYS = 60
const RENEW =
  'renew it at https://identity.apple.com with the same Apple Account (docs/push-certificate.md)'

/**
 * Checks that the first certificate of `certPem` is an MDM push certificate that is valid at `now`
 * (milliseconds since 1970), and that `keyPem` (PKCS#1, SEC 1 or PKCS#8, not encrypted) is its key.
 */
export function checkPushCertificate(
  certPem: string,
  keyPem: string,
  now: number,
): PushCertificateCheck {
  const certificate = readPushCertificate(certPem)
  if (typeof certificate === 'string') {
    return { ok: false, error: certificate }
  }
  const key = readKey(keyPem)
  if (typeof key === 'string') {
    return { ok: false, error: key }
  }
  const problem = mismatch(certificate, key, now)
  if (problem !== undefined) {
    return { ok: false, error: problem }
  }
  return {
    ok: true,
    topic: certificate.uid ?? '',
    notAfter: certificate.notAfter,
    certificatePem: pem('CERTIFICATE', certificate.der),
    keyPem: String(key.export({ type: 'pkcs8', format: 'pem' })),
    fingerprint: certificate.fingerprint,
  }
}

function mismatch(certificate: Certificate, key: KeyObject, now: number): string | undefined {
  // Compared as SPKI because workerd's X509Certificate.checkPrivateKey() is false for matching pairs.
  const spki = createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).export({
    type: 'spki',
    format: 'der',
  })
  if (Buffer.compare(spki, certificate.spki) !== 0) {
    return 'the private key does not belong to the push certificate'
  }
  if (certificate.notAfter < now) {
    return `the push certificate expired on ${dateOf(certificate.notAfter)}: ${RENEW}`
  }
  return undefined
}

/**
 * The first certificate of a PEM text, if it is an MDM push certificate of any date; else the reason why not.
 */
export function readPushCertificate(certPem: string): Certificate | string {
  try {
    const [der] = readPem(certPem)
    if (der === undefined) {
      return 'the push certificate holds no PEM CERTIFICATE block'
    }
    const certificate = readCertificate(der)
    return certificate.uid?.startsWith(TOPIC_PREFIX) === true
      ? certificate
      : `this is no MDM push certificate: its subject (${certificate.subjectText}) has no UID ` +
          `that starts with ${TOPIC_PREFIX}`
  } catch (error) {
    if (error instanceof DerError) {
      return `the push certificate cannot be read: ${error.message}`
    }
    throw error
  }
}

/**
 * The warning about a push certificate, from 60 days before its end on. Times are milliseconds since 1970.
 */
export function expiryWarning(notAfter: number, now: number): string | undefined {
  if (notAfter < now) {
    return `the push certificate expired on ${dateOf(notAfter)}, and Apple takes no push with it: ${RENEW}`
  }
  const days = daysUntil(notAfter, now)
  return days > WARN_DAYS
    ? undefined
    : `the push certificate expires on ${dateOf(notAfter)}, in ${days} days: ${RENEW}`
}

/** Whole days that are left, negative when it is over. */
export function daysUntil(notAfter: number, now: number): number {
  return Math.floor((notAfter - now) / DAY)
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

function readKey(keyPem: string): KeyObject | string {
  const block = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[^-]*-----END \1-----/.exec(keyPem)?.[0]
  if (keyPem.includes('ENCRYPTED')) {
    return 'the push key is encrypted: decrypt it first with `openssl pkey -in encrypted.key -out push.key`'
  }
  if (block === undefined) {
    return 'the push key holds no PEM PRIVATE KEY block'
  }
  try {
    return createPrivateKey(block)
  } catch {
    return 'the push key cannot be read: it is neither PKCS#1 nor PKCS#8 PEM'
  }
}
