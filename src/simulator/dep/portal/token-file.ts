/** The token file that the portal offers for download, in the forms that Apple has used. */
import { Buffer } from 'node:buffer'
import {
  atEnd,
  contentOf,
  encodingOf,
  inside,
  read,
  readAny,
  readSingle,
  TAG,
} from '../../../pki/asn1/der.ts'
import { octetString } from '../../../pki/asn1/der-write.ts'
import { type ContentCipher, writeEnvelope } from '../../../pki/cms/enveloped-data.ts'
import { type AbmServer, type AccessToken, appleTime } from '../state.ts'

/** Without a value, the form of Apple's published sample. */
export interface TokenFileForm {
  readonly encoding?: 'BER' | 'DER'
  readonly cipher?: ContentCipher
  /** Columns at which the JSON is wrapped; 0 for one line. */
  readonly wrap?: number
  /** The lines `-----BEGIN MESSAGE-----` and `-----END MESSAGE-----`. */
  readonly markers?: boolean
  readonly crlf?: boolean
  /** A line break in the middle of the outer header. */
  readonly folded?: boolean
}

/** Bytes of a piece of the encrypted content. */
const PIECE = 64

/** The JSON of a server token, as MicroMDM and NanoDEP print it. */
export function tokenJson(server: AbmServer, token: AccessToken): Record<string, string> {
  return {
    consumer_key: server.consumerKey,
    consumer_secret: server.consumerSecret,
    access_token: token.key,
    access_secret: token.secret,
    access_token_expiry: appleTime(token.expiresAt),
  }
}

/** The file for the certificate in DER, whose key is RSA. */
export function writeTokenFile(
  json: Readonly<Record<string, string>>,
  certificate: Uint8Array,
  form: TokenFileForm = {},
): string {
  const { encoding = 'BER', cipher = 'aes-128-cbc', folded = false } = form
  const der = writeEnvelope(new TextEncoder().encode(messageOf(json, form)), certificate, cipher)
  const bytes = encoding === 'BER' ? withIndefiniteLengths(der) : der
  const base64 = wrapped(Buffer.from(bytes).toString('base64'), 76)
  const type = 'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data'
  return [
    folded ? type.replace('enveloped-data', 'envel\n oped-data') : type,
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment; filename="smime.p7m"',
    'Content-Description: S/MIME Encrypted Message',
    '',
    ...base64,
    '',
  ].join('\n')
}

function messageOf(
  json: Readonly<Record<string, string>>,
  { wrap = 76, markers = true, crlf = false }: TokenFileForm,
): string {
  const lines = wrapped(JSON.stringify(json), wrap)
  return [
    'Content-Type: text/plain;charset=UTF-8',
    'Content-Transfer-Encoding: 7bit',
    '',
    ...(markers ? ['-----BEGIN MESSAGE-----', ...lines, '-----END MESSAGE-----'] : lines),
    '',
  ].join(crlf ? '\r\n' : '\n')
}

function wrapped(text: string, columns: number): string[] {
  const width = columns === 0 ? text.length : columns
  return Array.from({ length: Math.ceil(text.length / width) }, (_, line) =>
    text.slice(line * width, (line + 1) * width),
  )
}

/** The same envelope with indefinite lengths, and its content in pieces (X.690 §8.1.3.6). */
function withIndefiniteLengths(der: Uint8Array): Uint8Array {
  const contentInfo = inside(readSingle(der, TAG.sequence, 'ContentInfo'))
  const type = encodingOf(readAny(contentInfo, 'contentType'))
  const fields = inside(
    read(inside(read(contentInfo, 0xa0, 'content')), TAG.sequence, 'EnvelopedData'),
  )
  const version = encodingOf(readAny(fields, 'version'))
  const recipients = encodingOf(readAny(fields, 'recipientInfos'))
  const encrypted = inside(read(fields, TAG.sequence, 'encryptedContentInfo'))
  const head = [encodingOf(readAny(encrypted, 'type')), encodingOf(readAny(encrypted, 'cipher'))]
  const content = contentOf(readAny(encrypted, 'encryptedContent'))
  if (!atEnd(encrypted)) {
    throw new Error('an envelope of another form')
  }
  const pieces = Array.from({ length: Math.ceil(content.length / PIECE) }, (_, at) =>
    octetString(content.subarray(at * PIECE, (at + 1) * PIECE)),
  )
  const info = indefinite(TAG.sequence, ...head, indefinite(0xa0, ...pieces))
  const data = indefinite(TAG.sequence, version, recipients, info)
  return indefinite(TAG.sequence, type, indefinite(0xa0, data))
}

function indefinite(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag, 0x80), ...parts, Uint8Array.of(0, 0)]))
}
