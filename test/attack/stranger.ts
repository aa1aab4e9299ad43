/** A stranger: no identity of this server's, but a key of its own and any bytes. */
import { createPublicKey } from 'node:crypto'
import { issueCertificate, randomSerial } from '../../src/pki/x509/issue.ts'
import type { Signer } from '../devices/signature.ts'
import { fetchAlone } from '../e2e/server.ts'
import { KEY, type Answer } from './device.ts'

const HOUR = 3_600_000

/** A self-signed certificate with a name of so many characters. */
export function selfSigned(nameLength = 10): Signer {
  const now = Date.now()
  const certificate = issueCertificate({
    // A PrintableString of any length.
    subject: [['serialNumber', 'A'.repeat(nameLength)]],
    publicKey: createPublicKey(KEY),
    signingKey: KEY,
    serial: randomSerial(),
    notBefore: now - HOUR,
    notAfter: now + HOUR,
    keyUsage: ['digitalSignature', 'keyEncipherment'],
  })
  return { certificate, privateKey: KEY }
}

export async function call(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetchAlone(url, init)
  return { status: response.status, text: await response.text() }
}

/** What no answer and no log may hold: a library's words, or where in the source something happened. */
export const LIBRARY_WORDS =
  /\n\s+at \S+ |D1_ERROR|SQLITE_|Failed query|Maximum call stack|node_modules|index\.js:\d|\.ts:\d+:\d/
