/**
 * SCEP clients made of other people's code: OpenSSL makes CSR and envelope and reads the answer, pkijs
 * signs with SCEP's attributes, which OpenSSL's command line cannot.
 */
import { createHash, webcrypto, type KeyObject } from 'node:crypto'
import {
  Certificate,
  ContentInfo,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  SignedAndUnsignedAttributes,
  SignedData,
  Attribute,
  SignerInfo,
} from 'pkijs'
import { Integer, ObjectIdentifier, OctetString, PrintableString, Utf8String } from 'asn1js'
import { pem } from '../../../src/pki/x509/issue.ts'
import type { ContentCipher } from '../../../src/pki/cms/enveloped-data.ts'
import type { Digest } from '../../../src/pki/asn1/oids.ts'
import type { Openssl, OpensslIdentity } from '../pki/openssl.ts'

/** DES is gone from OpenSSL's default algorithms. */
const LEGACY = ['-provider', 'legacy', '-provider', 'default']
const OPENSSL_CIPHERS: Record<ContentCipher, readonly string[]> = {
  'aes-128-cbc': ['-aes128'],
  'aes-256-cbc': ['-aes256'],
  'des-ede3-cbc': ['-des3'],
  'des-cbc': ['-des'],
}
const HASHES: Record<Digest, string> = {
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
}
const SCEP = '2.16.840.1.113733.1.9'

export interface ForeignOptions {
  readonly digest?: Digest
  readonly messageType?: string
  readonly transactionId?: string
  readonly nonce?: Uint8Array
  /** Leaves the attributes of SCEP out, or repeats one. */
  readonly attributes?: 'none' | 'repeated'
}

/** DER of a CSR that openssl makes; `attributes` and `extensions` are lines of its configuration. */
export function opensslCsr(
  openssl: Openssl,
  device: Pick<OpensslIdentity, 'keyFile'>,
  options: {
    readonly subject?: readonly string[]
    readonly challenge?: string
    readonly digest?: Digest
    readonly altName?: string
  } = {},
): Uint8Array {
  const { subject = ['O = EdgeMDM', 'CN = Mac'], challenge, digest = 'sha256', altName } = options
  const config = openssl.file(
    `req-${createHash('sha1').update(JSON.stringify(options)).digest('hex')}.cnf`,
    [
      '[req]',
      'distinguished_name = dn',
      'prompt = no',
      'string_mask = utf8only',
      'attributes = attributes',
      ...(altName === undefined ? [] : ['req_extensions = extensions']),
      '[dn]',
      ...subject,
      '[attributes]',
      ...(challenge === undefined ? [] : [`challengePassword = ${challenge}`]),
      '[extensions]',
      ...(altName === undefined ? [] : [`subjectAltName = ${altName}`]),
      '',
    ].join('\n'),
  )
  const args = ['req', '-new', '-key', device.keyFile, '-utf8', `-${digest}`]
  return new Uint8Array(openssl.run([...args, '-config', config, '-outform', 'DER']))
}

/** DER of an EnvelopedData; `-stream` makes it BER, as Apple's clients send it. */
export function opensslEnvelope(
  openssl: Openssl,
  content: Uint8Array,
  caFile: string,
  cipher: ContentCipher,
  options: readonly string[] = [],
): Uint8Array {
  const args = ['cms', '-encrypt', '-binary', '-outform', 'DER', ...LEGACY]
  const all = [...args, ...OPENSSL_CIPHERS[cipher], ...options, caFile]
  return new Uint8Array(openssl.run(all, content))
}

/** DER of a SCEP message over any content, signed by pkijs. */
export async function foreignMessage(
  content: Uint8Array,
  signer: { readonly certificate: Uint8Array; readonly privateKey: KeyObject },
  options: ForeignOptions = {},
): Promise<Uint8Array> {
  const { digest = 'sha256', messageType = '19', transactionId = 'tx-1' } = options
  const nonce = options.nonce ?? Buffer.alloc(16, 7)
  const certificate = Certificate.fromBER(new Uint8Array(signer.certificate))
  const attribute = (type: string, value: unknown): Attribute =>
    new Attribute({ type, values: [value] })
  const scep = [
    attribute(`${SCEP}.2`, new PrintableString({ value: messageType })),
    attribute(`${SCEP}.7`, new Utf8String({ value: transactionId })),
    attribute(`${SCEP}.5`, new OctetString({ valueHex: new Uint8Array(nonce).buffer })),
  ]
  const attributes = new SignedAndUnsignedAttributes({
    type: 0,
    attributes: [
      attribute('1.2.840.113549.1.9.3', new ObjectIdentifier({ value: '1.2.840.113549.1.7.1' })),
      attribute(
        '1.2.840.113549.1.9.4',
        new OctetString({
          valueHex: new Uint8Array(createHash(digest).update(content).digest()).buffer,
        }),
      ),
      ...(options.attributes === 'none' ? [] : scep),
      ...(options.attributes === 'repeated' ? scep.slice(0, 1) : []),
    ],
  })
  const encapContentInfo = new EncapsulatedContentInfo({ eContentType: '1.2.840.113549.1.7.1' })
  // Set afterwards, because its constructor would cut it in pieces.
  encapContentInfo.eContent = new OctetString({ valueHex: new Uint8Array(content).buffer })
  const signed = new SignedData({
    version: 1,
    encapContentInfo,
    signerInfos: [
      new SignerInfo({
        version: 1,
        sid: new IssuerAndSerialNumber({
          issuer: certificate.issuer,
          serialNumber: Integer.fromBigInt(certificate.serialNumber.toBigInt()),
        }),
        signedAttrs: attributes,
      }),
    ],
    certificates: [certificate],
  })
  const key = await webcrypto.subtle.importKey(
    'pkcs8',
    signer.privateKey.export({ type: 'pkcs8', format: 'der' }),
    { name: 'RSASSA-PKCS1-v1_5', hash: HASHES[digest] },
    false,
    ['sign'],
  )
  await signed.sign(key as never, 0, HASHES[digest], new Uint8Array(content).buffer)
  const info = new ContentInfo({
    contentType: '1.2.840.113549.1.7.2',
    content: signed.toSchema(true),
  })
  return new Uint8Array(info.toSchema().toBER())
}

/** What openssl finds in a CertRep that succeeded: verified, decrypted, its certificates in order. */
export function opensslCertRep(
  openssl: Openssl,
  certRep: Uint8Array,
  caFile: string,
  device: OpensslIdentity,
): { readonly envelope: string; readonly certificates: string[] } {
  const verify = ['cms', '-verify', '-inform', 'DER', '-binary', '-CAfile', caFile]
  const envelope = openssl.run([...verify, '-purpose', 'any'], certRep)
  const decrypt = ['cms', '-decrypt', '-inform', 'DER', '-binary', ...LEGACY]
  const recipient = ['-recip', device.certificateFile, '-inkey', device.keyFile]
  const content = openssl.run([...decrypt, ...recipient], envelope)
  const printed = openssl.run(['pkcs7', '-inform', 'DER', '-print_certs'], content).toString()
  return {
    envelope: openssl.run(['cms', '-cmsout', '-print', '-inform', 'DER'], envelope).toString(),
    certificates: printed.match(/-----BEGIN[^]+?-----END CERTIFICATE-----/g) ?? [],
  }
}

export function pemFile(openssl: Openssl, name: string, der: Uint8Array): string {
  return openssl.file(name, pem('CERTIFICATE', der))
}
