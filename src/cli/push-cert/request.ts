/** From nothing to the file that Apple turns into a push certificate (docs/push-certificate.md). */
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeCertificationRequest } from '../../pki/x509/certification-request.ts'
import { requireStrictDer } from '../../pki/asn1/strict.ts'
import { pem } from '../../pki/x509/issue.ts'
import { signPushRequest } from '../../pki/x509/push-request.ts'
import { validatePath } from '../../pki/x509/path.ts'
import { type Certificate, readCertificate, readPem } from '../../pki/x509/certificate.ts'
import { newKey } from '../../simulator/device/identity.ts'
import { CliError, faultOfFile, messageOf } from '../error.ts'
import { writeWhole } from '../write-whole.ts'
import { SIGNED_REQUEST } from './record.ts'
import { checkSignedRequest, refuseOutdated } from './signed-request.ts'
import { openSigned } from './signing-service.ts'

/** The directory of the key and the request: `vendor.key`, `push.csr` and so on. */
export type Role = 'vendor' | 'push'

export interface RequestSubject {
  email: string
  country: string
  commonName: string
}

const AUTHORITIES = 'https://www.apple.com/certificateauthority'
const ROOT = 'https://www.apple.com/appleca/AppleIncRootCertificate.cer'

/**
 * Writes a request and returns its path. The key is made once and kept: Apple may be making the certificate
 * that belongs to it.
 */
export function writeRequest(folder: string, role: Role, subject: RequestSubject): string {
  const { email, country, commonName } = subject
  if (!/^[A-Za-z]{2}$/.test(country)) {
    throw new CliError(`--country ${country}: not a country code of two letters`)
  }
  // Only the characters of an IA5String. Apple does not check the value.
  if (!/^[!-~]+@[!-~]+$/.test(email)) {
    throw new CliError(`--email ${email}: not an e-mail address`)
  }
  const request = writeCertificationRequest(
    [
      ['C', country.toUpperCase()],
      ['CN', commonName],
      ['emailAddress', email.toLowerCase()],
    ],
    keyOf(folder, role),
  )
  const file = join(folder, `${role}.csr`)
  writeWhole(file, pem('CERTIFICATE REQUEST', request))
  return file
}

export interface Signing {
  folder: string
  /** The vendor's MDM signing certificate, as downloaded from Apple. */
  vendorCertificateFile: string
  /** The customer's request, PEM; our own without one. */
  requestFile: string | undefined
  /** Apple's certificates as files; fetched from Apple without one. */
  wwdrFile: string | undefined
  rootFile: string | undefined
  fetch: (url: string) => Promise<Response>
  now: number
}

/** Writes the signed request, and returns the vendor's certificate. */
export async function signRequest(signing: Signing): Promise<Certificate> {
  const { folder, vendorCertificateFile, now } = signing
  const csr = readRequest(signing.requestFile ?? join(folder, 'push.csr'))
  const vendor = readCertificateFile(vendorCertificateFile)
  const vendorKey = existingKey(folder, 'vendor')
  if (!vendorKey) {
    throw new CliError(`${join(folder, 'vendor.key')} is not there: begin with vendor-csr`)
  }
  const spki = createPublicKey(vendorKey).export({ type: 'spki', format: 'der' })
  if (!spki.equals(vendor.spki)) {
    throw new CliError(
      `${vendorCertificateFile} was not issued for ${join(folder, 'vendor.csr')}: its key is another`,
    )
  }
  const { wwdrFile, rootFile } = signing
  const wwdr = wwdrFile
    ? readCertificateFile(wwdrFile)
    : await fetchCertificate(signing.fetch, wwdrUrl(vendor))
  const root = rootFile
    ? readCertificateFile(rootFile)
    : await fetchCertificate(signing.fetch, ROOT)
  const path = validatePath(vendor, [wwdr], [{ certificate: root, row: 'apple' }], now)
  if (!path.ok) {
    throw new CliError(
      `${vendorCertificateFile} does not descend from Apple's root over ${wwdr.subjectText}: ` +
        'give its issuer as --wwdr',
    )
  }
  refuseOutdated([vendor, wwdr, root], now)
  const text = signPushRequest({ csr, vendorKey, chain: [vendor, wwdr, root].map((c) => c.der) })
  writeWhole(join(folder, SIGNED_REQUEST), text)
  return vendor
}

/** Checks the request that a vendor signed and sent, and keeps it for the upload. */
export function acceptSigned(folder: string, file: string, now: number): Certificate {
  const text = openSigned(folder, file, readBytes(file))
  const pushKey = readBytes(join(folder, 'push.key')).toString('latin1')
  const vendor = checkSignedRequest(text, pushKey, now)
  writeWhole(join(folder, SIGNED_REQUEST), text)
  return vendor
}

/** DER or PEM. */
export function readCertificateFile(file: string): Certificate {
  const bytes = readBytes(file)
  try {
    const [der = new Uint8Array(bytes)] = readPem(bytes.toString('latin1'))
    return readCertificate(der)
  } catch (error) {
    throw new CliError(`${file}: not a certificate: ${messageOf(error)}`)
  }
}

export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new CliError(`${file}: ${faultOfFile(error)}`)
  }
}

function readRequest(file: string): Uint8Array {
  const block =
    /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]+)-----END/.exec(
      readBytes(file).toString('latin1'),
    )?.[1] ?? ''
  const der = new Uint8Array(Buffer.from(block, 'base64'))
  try {
    requireStrictDer(der, 'request')
    return der
  } catch {
    throw new CliError(`${file}: holds no PEM CERTIFICATE REQUEST block`)
  }
}

function keyOf(folder: string, role: Role): KeyObject {
  const known = existingKey(folder, role)
  if (known) {
    return known
  }
  const key = newKey('rsa')
  // PKCS#1, because mdmctl reads only that form. Our own reader takes PKCS#8 too.
  writeWhole(join(folder, `${role}.key`), key.export({ type: 'pkcs1', format: 'pem' }))
  return key
}

function existingKey(folder: string, role: Role): KeyObject | undefined {
  const file = join(folder, `${role}.key`)
  try {
    return existsSync(file) ? createPrivateKey(readFileSync(file)) : undefined
  } catch (error) {
    throw new CliError(`${file}: ${messageOf(error)}`)
  }
}

/**
 * Apple's intermediates are numbered: the issuer's OU tells which one it was. G3 signs MDM vendors since
 * 2021.
 */
function wwdrUrl(vendor: Certificate): string {
  const generation = /^OU=(G\d+)$/m.exec(new X509Certificate(vendor.der).issuer)?.[1] ?? 'G3'
  return `${AUTHORITIES}/AppleWWDRCA${generation}.cer`
}

async function fetchCertificate(fetch: Signing['fetch'], url: string): Promise<Certificate> {
  try {
    const response = await fetch(url)
    if (!response.ok) {
      throw new CliError(`status ${response.status}`)
    }
    return readCertificate(new Uint8Array(await response.arrayBuffer()))
  } catch (error) {
    throw new CliError(
      `cannot get ${url}: ${messageOf(error)}. Download it otherwise and give it as --wwdr or --root`,
    )
  }
}
