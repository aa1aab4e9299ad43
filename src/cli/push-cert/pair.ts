import { X509Certificate } from 'node:crypto'
import { readPushCertificate } from '../../pki/x509/push-certificate.ts'
import { pem } from '../../pki/x509/issue.ts'
import { CliError } from '../error.ts'
import { pushIdentity, type PushPair } from '../settings.ts'
import { readBytes, readCertificateFile } from './request.ts'

const APPLE = /^O=Apple Inc\.$/m

/**
 * Reads a push certificate from Apple and its key. @throws CliError unless it is an MDM push certificate that
 * Apple issued, valid at `now`, and the key is its key
 */
export function readPushPair(
  files: { readonly certificateFile: string; readonly keyFile: string },
  now: number,
): PushPair {
  const { der } = readCertificateFile(files.certificateFile)
  const certificate = pem('CERTIFICATE', der)
  const push = pushIdentity({ certificate, key: readBytes(files.keyFile).toString('latin1') }, now)
  // The name alone: it tells a wrong file. Only Apple can tell a forged one, and takes no push with it.
  const { issuer } = new X509Certificate(der)
  if (!APPLE.test(issuer)) {
    throw new CliError(
      `${files.certificateFile} was issued by ${issuer.replaceAll('\n', ', ')} and not by Apple: ` +
        'give the MDM_….pem that identity.apple.com made',
    )
  }
  return push
}

/** The topic of a PEM; empty where there is none. */
export function topicOfPush(certificate: string | undefined): string {
  const read = certificate === undefined ? '' : readPushCertificate(certificate)
  return typeof read === 'string' ? '' : (read.uid ?? '')
}
