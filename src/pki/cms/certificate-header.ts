/** Reads a client certificate from a request header: a proxy that ends TLS passes it on in that way. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { SignatureCheck } from './cms.ts'
import { DerError } from '../asn1/der.ts'
import { readCertificate, readPem } from '../x509/certificate.ts'

const MAX_HEADER_CHARS = 16_384

/**
 * Reads exactly one certificate, as `:base64:` of DER (RFC 9440 §2.1) or URL-escaped PEM (nginx). The
 * answer has the form of a verified `Mdm-Signature`: the proxy has checked that the sender holds the key.
 * Two header lines arrive joined by a comma and are refused, because one of them may come from the sender.
 * Never throws for bad input.
 */
export function readCertificateHeader(value: string): SignatureCheck {
  try {
    const der = value.length <= MAX_HEADER_CHARS ? derOf(value.trim()) : undefined
    if (der === undefined) {
      return { ok: false, reason: 'neither an RFC 9440 certificate nor URL-escaped PEM of one' }
    }
    readCertificate(der)
    const fingerprint = createHash('sha256').update(der).digest('hex')
    return { ok: true, certificate: der, fingerprint, others: [] }
  } catch (error) {
    if (error instanceof DerError) {
      return { ok: false, reason: error.message }
    }
    throw error
  }
}

function derOf(value: string): Uint8Array | undefined {
  const base64 = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value)?.[1]
  if (base64 !== undefined) {
    return new Uint8Array(Buffer.from(base64, 'base64'))
  }
  const pem = unescaped(value).trim()
  const isOnlyOne = /^-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----$/.test(pem)
  return isOnlyOne ? readPem(pem)[0] : undefined
}

function unescaped(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return ''
  }
}
