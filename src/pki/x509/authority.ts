/**
 * A certificate authority of our own, made for a deployment or imported (MicroMDM's depot), and the
 * identities that it issues. RSA only, because SCEP encrypts to it (RFC 8894 §3.1).
 */
import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { DerError } from '../asn1/der.ts'
import { issueCertificate, randomSerial } from './issue.ts'
import { type Certificate, readCertificate, readPem } from './certificate.ts'

export interface Authority {
  readonly certificate: Certificate
  readonly key: KeyObject
}

/** An authority, or one line that says why it cannot be one. */
export type AuthorityCheck =
  | { readonly ok: true; readonly authority: Authority }
  | { readonly ok: false; readonly error: string }

/** The parts of a certificate signing request that go into a certificate. */
export interface IdentityRequest {
  /** DER of its SubjectPublicKeyInfo. */
  readonly spki: Uint8Array
  readonly commonName: string | undefined
}

const MINUTE = 60_000
const DAY = 86_400_000
const CA_VALIDITY = 3_653 * DAY
/**
 * The warning about the end of a CA begins this early: to replace a CA, the whole fleet has to be renewed.
 */
const WARN_BEFORE = 180 * DAY
const ORGANIZATION = 'EdgeMDM'
const IDENTITY = 'MDM Identity'
/** In characters: ub-common-name of RFC 5280 appendix A.1. */
const MAX_COMMON_NAME = 64
/**
 * A certificate is valid from this long before it is made: clocks of devices and servers differ by minutes.
 */
export const BACKDATED = 10 * MINUTE

/**
 * A self-signed authority for a fresh key, valid for ten years from `now` (milliseconds since 1970). Its
 * name holds the day, for people. Programs tell authorities apart by key.
 */
export function createAuthority(key: KeyObject, now: number): Authority {
  const der = issueCertificate({
    subject: [
      ['O', ORGANIZATION],
      ['CN', `EdgeMDM CA ${new Date(now).toISOString().slice(0, 10)}`],
    ],
    publicKey: publicKeyOf(key),
    signingKey: key,
    serial: randomSerial(),
    notBefore: now - BACKDATED,
    notAfter: now + CA_VALIDITY,
    ca: true,
    // Without the first two macOS encrypts its SCEP request to another certificate, or to none.
    keyUsage: ['digitalSignature', 'keyEncipherment', 'keyCertSign', 'cRLSign'],
  })
  return { certificate: readCertificate(der), key }
}

/** {@link createAuthority} for a key as PEM (PKCS#1 or PKCS#8, not encrypted): one signature of the key. */
export function certifyAuthority(keyPem: string, now: number): AuthorityCheck {
  const key = readAuthorityKey(keyPem)
  return typeof key === 'string'
    ? { ok: false, error: key }
    : { ok: true, authority: createAuthority(key, now) }
}

/** A key that an authority can have, or why it is none. */
function readAuthorityKey(keyPem: string): KeyObject | string {
  let key: KeyObject
  try {
    key = createPrivateKey(keyPem)
  } catch {
    return 'the CA key cannot be read: it has to be PKCS#1 or PKCS#8 PEM, not encrypted'
  }
  return key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048
    ? 'the CA key has to be RSA with 2048 bits or more: SCEP encrypts to it'
    : key
}

/**
 * Reads an authority from the first certificate of `certificatePem` and its key (PKCS#1 or PKCS#8 PEM, not
 * encrypted). An expired authority is accepted: its devices are served, though it issues nothing.
 */
export function checkAuthority(certificatePem: string, keyPem: string): AuthorityCheck {
  let certificate: Certificate
  try {
    const [der] = readPem(certificatePem)
    if (der === undefined) {
      return { ok: false, error: 'the CA certificate holds no PEM CERTIFICATE block' }
    }
    certificate = readCertificate(der)
  } catch (error) {
    if (error instanceof DerError) {
      return { ok: false, error: `the CA certificate cannot be read: ${error.message}` }
    }
    throw error
  }
  const key = readAuthorityKey(keyPem)
  if (typeof key === 'string') {
    return { ok: false, error: key }
  }
  if (!certificate.isCA || !certificate.mayIssue) {
    return { ok: false, error: `this is no CA certificate: ${certificate.subjectText}` }
  }
  // Compared as SPKI because workerd's X509Certificate.checkPrivateKey() is false for matching pairs.
  const spki = publicKeyOf(key).export({ type: 'spki', format: 'der' })
  if (Buffer.compare(spki, certificate.spki) !== 0) {
    return { ok: false, error: 'the private key does not belong to the CA certificate' }
  }
  return { ok: true, authority: { certificate, key } }
}

/**
 * DER of a device identity by our template, for client authentication. It is valid from ten minutes before
 * `now` until `validity` milliseconds after it, even beyond the CA's own end, because an expired CA does
 * not shut out devices that are known. Its subject is that of `identityName`. It has no alternative names.
 */
export function issueIdentity(
  authority: Authority,
  request: IdentityRequest,
  serial: Uint8Array,
  now: number,
  validity: number,
): Uint8Array {
  return issueCertificate({
    subject: [
      ['O', ORGANIZATION],
      ['CN', identityName(request.commonName)],
    ],
    publicKey: request.spki,
    signingKey: authority.key,
    issuer: authority.certificate,
    serial,
    notBefore: now - BACKDATED,
    notAfter: now + validity,
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    extKeyUsage: ['clientAuth'],
  })
}

/**
 * The common name of an identity: `MDM Identity (Zoë’s Mac)`. The requested name helps people to tell
 * devices apart. It stands in parentheses, because other systems may take a bare name for the user or host
 * that it names. Of the names in our own and MicroMDM's profiles only the computer's name is kept. `%…%`,
 * which iOS does not fill in, is dropped, and so is text that could pass for another part of a subject.
 */
export function identityName(asked = ''): string {
  const name = (/^(?:Micro)?MDM Identity \((.*)\)$/.exec(asked)?.[1] ?? asked)
    .replaceAll(/%\w+%/g, ' ')
    .replaceAll(/[^\p{L}\p{M}\p{N}._@:'’()-]+/gu, ' ')
    .trim()
  const [first, last] = [`${IDENTITY} (`, ')']
  const room = MAX_COMMON_NAME - first.length - last.length
  const kept = Array.from(name).slice(0, room).join('').trim()
  return kept === '' || name === IDENTITY ? IDENTITY : `${first}${kept}${last}`
}

const MAKE_NEW = 'make a new one with `npm run ca -- create`'

/** The warning about a CA that ends within 180 days, or has ended. */
export function authorityWarning(certificate: Certificate, now: number): string | undefined {
  const { notAfter, subjectText } = certificate
  const date = new Date(notAfter).toISOString().slice(0, 10)
  if (notAfter <= now) {
    return `the CA ${subjectText} expired on ${date}: it issues nothing any more, ${MAKE_NEW}`
  }
  return notAfter - now < WARN_BEFORE
    ? `the CA ${subjectText} expires on ${date}: ${MAKE_NEW}, the devices of this one stay`
    : undefined
}

/** Made from PEM: workerd's createPublicKey() does not take a private KeyObject. */
function publicKeyOf(key: KeyObject): KeyObject {
  return createPublicKey(key.export({ type: 'pkcs8', format: 'pem' }))
}
