/** Checks the file that a vendor signed, before its owner uploads it to Apple. */
import { createPublicKey, verify, X509Certificate } from 'node:crypto'
import { asDict, textAt } from '../../plist/dict.ts'
import { readPlist } from '../../plist/read.ts'
import { type Certificate, readCertificate, readPem } from '../../pki/x509/certificate.ts'
import { validatePath } from '../../pki/x509/path.ts'
import { readSigningRequest } from '../../pki/x509/signing-request.ts'
import { CliError, messageOf } from '../error.ts'
import { printable } from '../start/terminal/words.ts'
import { dayOf } from './record.ts'

interface SignedParts {
  readonly csr: Uint8Array
  readonly signature: Uint8Array
  /** The vendor's certificate comes first. */
  readonly chain: readonly Certificate[]
}

/**
 * Checks the base64 text of a signed request as Apple will. `pushKey` is the PEM of our own key.
 *
 * @returns the vendor's certificate
 * @throws CliError that says what Apple would refuse
 */
export function checkSignedRequest(text: string, pushKey: string, now: number): Certificate {
  const { csr, signature, chain } = readParts(text)
  const [vendor, ...others] = chain
  if (!vendor) {
    throw new CliError('the signed request holds no certificate of its vendor')
  }
  refuseOutdated(chain, now)
  const root = others.find(({ issuer, subject }) => issuer === subject)
  const path = root && validatePath(vendor, others, [{ certificate: root, row: 'apple' }], now)
  if (path?.ok !== true) {
    throw new CliError(
      `the certificate chain of the vendor ${printable(vendor.subjectText)} does not reach a root. ` +
        'Apple refuses such requests (-80018): have the vendor sign again with its whole chain',
    )
  }
  const own = createPublicKey(pushKey).export({ type: 'spki', format: 'der' })
  if (!own.equals(spkiOf(csr))) {
    throw new CliError(
      'the signed request is for another key than push.key: it answers a request of another folder, ' +
        'or push.key was made anew since. Make a new request',
    )
  }
  const key = new X509Certificate(vendor.der).publicKey
  if (!verify('sha256', csr, key, signature)) {
    throw new CliError(
      verify('sha1', csr, key, signature)
        ? 'the vendor signed with SHA-1, and Apple takes SHA-256 only (-80018): have it sign again'
        : 'the signature of the vendor does not belong to this request (Apple: "signature is ' +
            'invalid"): have it sign again',
    )
  }
  return vendor
}

/** Apple checks the dates of the vendor's certificate when the request is uploaded. @throws CliError */
export function refuseOutdated(chain: readonly Certificate[], now: number): void {
  for (const { notBefore, notAfter, subjectText } of chain) {
    const fault =
      notAfter < now
        ? `expired on ${dayOf(notAfter)}`
        : notBefore > now
          ? `is valid from ${dayOf(notBefore)} on`
          : undefined
    if (fault !== undefined) {
      throw new CliError(
        `Apple will refuse this request: the vendor's certificate ${printable(subjectText)} ${fault}. ` +
          'Only the vendor can mend that. Ask it, or have another vendor sign',
      )
    }
  }
}

function readParts(text: string): SignedParts {
  try {
    const plist = asDict(readPlist(Buffer.from(text, 'base64')))
    return {
      csr: new Uint8Array(Buffer.from(textAt(plist, 'PushCertRequestCSR'), 'base64')),
      signature: new Uint8Array(Buffer.from(textAt(plist, 'PushCertSignature'), 'base64')),
      chain: readPem(textAt(plist, 'PushCertCertificateChain')).map(readCertificate),
    }
  } catch (error) {
    throw new CliError(`this is no signed request for Apple: ${messageOf(error)}`)
  }
}

function spkiOf(csr: Uint8Array): Uint8Array {
  try {
    return readSigningRequest(csr).spki
  } catch (error) {
    throw new CliError(`the request in the signed file cannot be read: ${messageOf(error)}`)
  }
}
