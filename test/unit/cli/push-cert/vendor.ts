/** An MDM vendor that signs requests for others, and a service that mails what it signed. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { asDict, stringAt } from '../../../../src/plist/dict.ts'
import { readPlist } from '../../../../src/plist/read.ts'
import { writePlist } from '../../../../src/plist/write.ts'
import { readCertificate } from '../../../../src/pki/x509/certificate.ts'
import { issueCertificate, pem, randomSerial } from '../../../../src/pki/x509/issue.ts'
import { readSigningRequest } from '../../../../src/pki/x509/signing-request.ts'
import { newKey } from '../../../../src/simulator/device/identity.ts'
import type { Openssl } from '../../pki/openssl.ts'

export const DAY = 86_400_000

interface Parent {
  readonly der: Uint8Array
  readonly key: KeyObject
}

function issue(
  name: string,
  days: readonly [number, number],
  ca: boolean,
  parent?: Parent,
): Parent {
  const key = newKey('rsa')
  const now = Date.now()
  const der = issueCertificate({
    subject: [
      ['CN', name],
      ['O', 'Apple Inc.'],
    ],
    publicKey: createPublicKey(key),
    signingKey: parent?.key ?? key,
    ...(parent && { issuer: readCertificate(parent.der) }),
    serial: randomSerial(),
    notBefore: now + days[0] * DAY,
    notAfter: now + days[1] * DAY,
    ca,
    keyUsage: ca ? ['keyCertSign'] : ['digitalSignature'],
  })
  return { der, key }
}

interface ToSign {
  readonly csr: Uint8Array
  readonly chain?: readonly string[]
  readonly digest?: 'sha1' | 'sha256'
}

/** `days` are those of the vendor's certificate, counted from today. */
export function newVendor(days: readonly [number, number] = [-1, 200]) {
  const root = issue('Root', [-9, 900], true)
  const wwdr = issue('WWDR', [-9, 800], true, root)
  const vendor = issue('MDM Vendor: Example', days, false, wwdr)
  const whole = [vendor, wwdr, root].map(({ der }) => pem('CERTIFICATE', der))
  /** The file for Apple's portal. */
  const signed = ({ csr, chain = whole, digest = 'sha256' }: ToSign): string => {
    const plist = writePlist({
      PushCertRequestCSR: Buffer.from(csr).toString('base64'),
      PushCertCertificateChain: chain.join(''),
      PushCertSignature: sign(digest, csr, vendor.key).toString('base64'),
    })
    return Buffer.from(plist).toString('base64')
  }
  return { chain: whole, signed }
}

/** The certificate that Apple's portal makes of an uploaded file, PEM. */
export function pushCertificateOf(uploaded: string, topic: string, days: number): string {
  const plist = asDict(readPlist(Buffer.from(uploaded, 'base64')))
  const csr = new Uint8Array(Buffer.from(stringAt(plist, 'PushCertRequestCSR') ?? '', 'base64'))
  const apple = issue('Apple Application Integration', [-9, 900], true)
  return pem(
    'CERTIFICATE',
    issueCertificate({
      subject: [['UID', topic]],
      publicKey: readSigningRequest(csr).spki,
      signingKey: apple.key,
      issuer: readCertificate(apple.der),
      serial: randomSerial(),
      notBefore: Date.now() - DAY,
      notAfter: Date.now() + days * DAY + DAY / 2,
      keyUsage: ['digitalSignature'],
    }),
  )
}

export const derOf = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'))

/** The attachment of the mail: hex of what OpenSSL encrypts for the certificate in the request. */
export function mailed(openssl: Openssl, text: string, exchangePem: string): string {
  const recipient = openssl.file('exchange-recipient.pem', exchangePem)
  const args = ['cms', '-encrypt', '-binary', '-des3', '-outform', 'DER', recipient]
  return openssl.run(args, Buffer.from(text)).toString('hex')
}

/** The parts of a body that the service gets; base64 is undone. */
export function orderIn(body: string) {
  const order = JSON.parse(body) as Record<'csr' | 'email' | 'key' | 'encrypt', string>
  return { ...order, csr: atob(order.csr), encrypt: atob(order.encrypt) }
}
