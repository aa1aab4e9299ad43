/**
 * CMS EnvelopedData for one recipient (RFC 5652 §6), as SCEP uses it: an RSA-encrypted key and CBC.
 * `node:crypto` does all of it, because WebCrypto has neither PKCS#1 v1.5 encryption nor DES.
 */
import { Buffer } from 'node:buffer'
import {
  constants,
  createCipheriv,
  createDecipheriv,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { withDefiniteLengths } from '../asn1/ber.ts'
import {
  atEnd,
  contentOf,
  type Cursor,
  DerError,
  encodingOf,
  finish,
  inside,
  read,
  readAny,
  readOid,
  readSingle,
  readOptional,
  readSmallInteger,
  TAG,
} from '../asn1/der.ts'
import { requireStrictDer } from '../asn1/strict.ts'
import {
  element,
  explicit,
  implicit,
  integer,
  nothing,
  octetString,
  oid,
  sequence,
  setOf,
} from '../asn1/der-write.ts'
import { OID } from '../asn1/oids.ts'
import { readIssuerAndSerial } from './signed-data.ts'

/** Content encryption of SCEP (RFC 8894 §3.5.2). MicroMDM and the oldest clients use DES. */
export type ContentCipher = 'aes-128-cbc' | 'aes-256-cbc' | 'des-ede3-cbc' | 'des-cbc'

interface CipherFacts {
  readonly oid: string
  readonly keyBytes: number
  readonly ivBytes: number
}

/** RFC 3565 §4.1, RFC 3370 §5.1, RFC 8018 appendix B.2.1. */
const CIPHERS: Readonly<Record<ContentCipher, CipherFacts>> = {
  'aes-128-cbc': { oid: '2.16.840.1.101.3.4.1.2', keyBytes: 16, ivBytes: 16 },
  'aes-256-cbc': { oid: '2.16.840.1.101.3.4.1.42', keyBytes: 32, ivBytes: 16 },
  'des-ede3-cbc': { oid: '1.2.840.113549.3.7', keyBytes: 24, ivBytes: 8 },
  'des-cbc': { oid: '1.3.14.3.2.7', keyBytes: 8, ivBytes: 8 },
}

export const CONTENT_CIPHERS: readonly ContentCipher[] = [
  'aes-128-cbc',
  'aes-256-cbc',
  'des-ede3-cbc',
  'des-cbc',
]

/** The envelope is well formed, but its algorithm is not accepted. */
export class UnknownAlgorithmError extends DerError {
  override name = 'UnknownAlgorithmError'
}

/** An EnvelopedData, read but not decrypted. */
export interface Envelope {
  readonly cipher: ContentCipher
  readonly iv: Uint8Array
  /** DER of the recipient's name, as the sender gives it. */
  readonly recipient: Uint8Array
  readonly encryptedKey: Uint8Array
  readonly ciphertext: Uint8Array
}

const ORIGINATOR = 0xa0
const UNPROTECTED = 0xa1
const CONTENT = 0x80
const CONTENT_IN_PIECES = 0xa0

/**
 * Reads an EnvelopedData with one recipient from its ContentInfo. The recipient's name is not
 * judged: where two CAs have one name and serial number, the key decides.
 *
 * @throws UnknownAlgorithmError for anything but RSA and our ciphers, and DerError for all other faults
 */
export function readEnvelope(bytes: Uint8Array): Envelope {
  const der = withDefiniteLengths(bytes)
  requireStrictDer(der, 'envelope')
  const contentInfo = inside(readSingle(der, TAG.sequence, 'ContentInfo'))
  if (readOid(contentInfo, 'contentType') !== OID.envelopedData) {
    throw new DerError('contentType: not enveloped data')
  }
  const content = inside(read(contentInfo, 0xa0, 'content'))
  finish(contentInfo, 'ContentInfo')
  const fields = inside(read(content, TAG.sequence, 'EnvelopedData'))
  finish(content, 'content')
  readSmallInteger(fields, 'EnvelopedData.version')
  readOptional(fields, ORIGINATOR, 'originatorInfo')
  const recipients = inside(read(fields, TAG.set, 'recipientInfos'))
  const recipient = readRecipient(
    inside(read(recipients, TAG.sequence, 'the only KeyTransRecipientInfo')),
  )
  finish(recipients, 'recipientInfos, more than one recipient')
  const encrypted = readEncryptedContent(inside(read(fields, TAG.sequence, 'encryptedContentInfo')))
  readOptional(fields, UNPROTECTED, 'unprotectedAttrs')
  finish(fields, 'EnvelopedData')
  return { ...recipient, ...encrypted }
}

/**
 * The content, decrypted with the recipient's RSA key; undefined when decryption fails. With a wrong
 * padding decryption goes on with a random key and reports nothing, so that a sender cannot learn about RSA
 * paddings from us (RFC 3218 §2.3.2). The content may therefore be garbage, and the caller must treat
 * garbage like no content.
 */
export function openEnvelope(envelope: Envelope, key: KeyObject): Uint8Array | undefined {
  const { cipher, iv, encryptedKey, ciphertext } = envelope
  const { keyBytes } = CIPHERS[cipher]
  let contentKey: Uint8Array = randomBytes(keyBytes)
  try {
    const sent = privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, encryptedKey)
    contentKey = sent.length === keyBytes ? sent : contentKey
  } catch {
    // workerd throws here; newer OpenSSL goes on with random bytes itself.
  }
  try {
    const decipher = createDecipheriv(...onNode(cipher, contentKey), iv)
    return new Uint8Array(Buffer.concat([decipher.update(ciphertext), decipher.final()]))
  } catch {
    return undefined
  }
}

/**
 * DER of an EnvelopedData that only the holder of the certificate's RSA key can open. Throws when that key is
 * no RSA key.
 */
export function writeEnvelope(
  content: Uint8Array,
  recipient: Uint8Array,
  cipher: ContentCipher,
): Uint8Array {
  const { oid: algorithm, keyBytes, ivBytes } = CIPHERS[cipher]
  const contentKey = randomBytes(keyBytes)
  const iv = randomBytes(ivBytes)
  const encryptor = createCipheriv(...onNode(cipher, contentKey), iv)
  const ciphertext = Buffer.concat([encryptor.update(content), encryptor.final()])
  const encryptedKey = publicEncrypt(
    { key: new X509Certificate(recipient).publicKey, padding: constants.RSA_PKCS1_PADDING },
    contentKey,
  )
  const { issuer, serial } = readIssuerAndSerial(recipient)
  return sequence(
    oid(OID.envelopedData),
    explicit(
      0,
      sequence(
        integer(0),
        setOf(
          sequence(
            integer(0),
            sequence(issuer, element(TAG.integer, serial)),
            sequence(oid(OID.rsaEncryption), nothing()),
            octetString(encryptedKey),
          ),
        ),
        sequence(oid(OID.data), sequence(oid(algorithm), octetString(iv)), implicit(0, ciphertext)),
      ),
    ),
  )
}

/** DES is triple DES with one key three times; OpenSSL 3 has no other DES. */
function onNode(cipher: ContentCipher, key: Uint8Array): [algorithm: string, key: Uint8Array] {
  return cipher === 'des-cbc' ? ['des-ede3-cbc', Buffer.concat([key, key, key])] : [cipher, key]
}

function readRecipient(fields: Cursor): Pick<Envelope, 'recipient' | 'encryptedKey'> {
  readSmallInteger(fields, 'KeyTransRecipientInfo.version')
  const recipient = encodingOf(readAny(fields, 'recipientIdentifier'))
  const algorithm = inside(read(fields, TAG.sequence, 'keyEncryptionAlgorithm'))
  if (readOid(algorithm, 'keyEncryptionAlgorithm') !== OID.rsaEncryption) {
    throw new UnknownAlgorithmError('keyEncryptionAlgorithm: only RSA PKCS#1 v1.5 is accepted')
  }
  const encryptedKey = contentOf(read(fields, TAG.octetString, 'encryptedKey'))
  finish(fields, 'KeyTransRecipientInfo')
  return { recipient, encryptedKey }
}

function readEncryptedContent(fields: Cursor): Omit<Envelope, 'recipient' | 'encryptedKey'> {
  readOid(fields, 'contentType')
  const algorithm = inside(read(fields, TAG.sequence, 'contentEncryptionAlgorithm'))
  const id = readOid(algorithm, 'contentEncryptionAlgorithm')
  const cipher = CONTENT_CIPHERS.find((name) => CIPHERS[name].oid === id)
  if (cipher === undefined) {
    throw new UnknownAlgorithmError(`contentEncryptionAlgorithm: ${id} is not accepted`)
  }
  const iv = contentOf(read(algorithm, TAG.octetString, 'iv'))
  if (iv.length !== CIPHERS[cipher].ivBytes) {
    throw new DerError('iv: of the wrong length')
  }
  const content = readAny(fields, 'encryptedContent')
  finish(fields, 'encryptedContentInfo')
  switch (content.tag) {
    case CONTENT:
      return { cipher, iv, ciphertext: contentOf(content) }
    case CONTENT_IN_PIECES:
      return { cipher, iv, ciphertext: joined(inside(content)) }
    default:
      throw new DerError('encryptedContent: missing')
  }
}

/** Encoders that stream cut the content in OCTET STRINGs (X.690 §8.7.3). */
function joined(pieces: Cursor): Uint8Array {
  const parts: Uint8Array[] = []
  while (!atEnd(pieces)) {
    parts.push(contentOf(read(pieces, TAG.octetString, 'encryptedContent')))
  }
  return new Uint8Array(Buffer.concat(parts))
}
