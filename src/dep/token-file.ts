/** Reads the `.p7m` file with a server token that an admin downloads from Apple. */
import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { isObject } from '../apple/declarations.ts'
import {
  DerError,
  encodingOf,
  finish,
  inside,
  read,
  readInteger,
  readSingle,
  TAG,
} from '../pki/asn1/der.ts'
import { type Envelope, openEnvelope, readEnvelope } from '../pki/cms/enveloped-data.ts'
import { readIssuerAndSerial } from '../pki/cms/signed-data.ts'
import type { DepToken } from './records.ts'

export interface TokenFile {
  readonly ok: true
  /** Serial number of the certificate that the file was made for, hexadecimal (`depKeySerial`). */
  readonly keySerial: string
  /** DER of the certificate's issuer. */
  readonly issuer: Uint8Array
  readonly envelope: Envelope
}

export interface TokenFault {
  readonly ok: false
  /** A sentence for the admin. */
  readonly error: string
}

export interface TokenContent {
  readonly ok: true
  readonly token: DepToken
  /** All of it, keys that are not known included. */
  readonly json: Readonly<Record<string, unknown>>
}

const MAX_FILE = 100_000
const MAX_VALUE = 1000
const DOWNLOAD = 'download the server token (.p7m) from Apple again'

const NO_TOKEN_FILE = `this is no server token: ${DOWNLOAD}`
/** The key of a token file is not here. */
export const TOKEN_FOR_OTHER_KEY =
  'the token was made for another certificate: upload the certificate of this server to its entry at ' +
  'Apple, then download a new token'

/** Files that admins upload by mistake. */
const MISTAKES: readonly (readonly [pattern: RegExp, error: string])[] = [
  [/^\s*</, `this is a web page and no server token: sign in to Apple, and ${DOWNLOAD}`],
  [
    /-----BEGIN CERTIFICATE-----/,
    'this is a certificate and no server token: upload it to Apple, and download the token there',
  ],
]

/**
 * Reads a token file without decrypting it: S/MIME with LF or CRLF, bare base64, DER, or BER with indefinite
 * lengths, which Apple sends.
 */
export function readTokenFile(file: Uint8Array): TokenFile | TokenFault {
  if (file.length > MAX_FILE) {
    return fault(`the file has more than ${MAX_FILE} bytes: ${NO_TOKEN_FILE}`)
  }
  const text = Buffer.from(file).toString('latin1')
  const mistake = MISTAKES.find(([pattern]) => pattern.test(text))
  if (mistake) {
    return fault(mistake[1])
  }
  const bytes = file[0] === 0x30 ? file : fromMime(text)
  if (bytes === undefined) {
    return fault(NO_TOKEN_FILE)
  }
  try {
    const envelope = readEnvelope(bytes)
    const fields = inside(readSingle(envelope.recipient, TAG.sequence, 'issuerAndSerialNumber'))
    const issuer = encodingOf(read(fields, TAG.sequence, 'issuer'))
    const keySerial = Buffer.from(readInteger(fields, 'serialNumber')).toString('hex')
    finish(fields, 'issuerAndSerialNumber')
    return { ok: true, keySerial, issuer, envelope }
  } catch (error) {
    if (error instanceof DerError) {
      return fault(`the file is damaged (${error.message}): ${DOWNLOAD}`)
    }
    throw error
  }
}

/**
 * Decrypts the token with the key pair that it was made for.
 *
 * @param certificate DER; the file has to name its issuer and serial number
 */
export function openTokenFile(
  { keySerial, issuer, envelope }: TokenFile,
  certificate: Uint8Array,
  key: KeyObject,
): TokenContent | TokenFault {
  const own = readIssuerAndSerial(certificate)
  const isOwn =
    Buffer.from(own.serial).toString('hex') === keySerial &&
    Buffer.compare(own.issuer, issuer) === 0
  if (!isOwn) {
    return fault(TOKEN_FOR_OTHER_KEY)
  }
  const content = openEnvelope(envelope, key)
  const json = content && unwrapped(Buffer.from(content).toString('utf8'))
  return json === undefined
    ? fault(`the token cannot be decrypted: ${DOWNLOAD}`)
    : readTokenJson(json)
}

/** The token in its JSON: `consumer_key` and the others, as Apple and MicroMDM write them. */
export function readTokenJson(json: unknown): TokenContent | TokenFault {
  if (!isObject(json)) {
    return fault(`the token is no JSON object: ${DOWNLOAD}`)
  }
  const lacking = VALUES.find((name) => !isValue(json[name]))
  if (lacking !== undefined) {
    return fault(`the token has no ${lacking}: ${DOWNLOAD}`)
  }
  const [consumerKey = '', consumerSecret = '', accessToken = '', accessSecret = ''] = VALUES.map(
    (name) => String(json[name]),
  )
  const expiresAt = Date.parse(String(json['access_token_expiry']))
  return Number.isNaN(expiresAt)
    ? fault(`the token’s access_token_expiry is no date: ${DOWNLOAD}`)
    : {
        ok: true,
        token: { consumerKey, consumerSecret, accessToken, accessSecret, expiresAt },
        json,
      }
}

const VALUES = ['consumer_key', 'consumer_secret', 'access_token', 'access_secret'] as const

function isValue(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= MAX_VALUE
}

function fault(error: string): TokenFault {
  return { ok: false, error }
}

/** Apple folds its header anywhere, so only the empty line counts, not the header's lines. */
function fromMime(text: string): Uint8Array | undefined {
  const body = /^\s*[\w-]+:/.test(text) ? /\r?\n\r?\n([^]*)/.exec(text)?.[1] : text
  const base64 = (body ?? '').replaceAll(/\s/g, '')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(base64)
    ? new Uint8Array(Buffer.from(base64, 'base64'))
    : undefined
}

const MARKERS: ReadonlySet<string> = new Set(['-----BEGIN MESSAGE-----', '-----END MESSAGE-----'])

/**
 * The JSON in the decrypted MIME text. Its lines are broken anywhere, inside of values too: they are joined
 * as they are. Trimming them would damage a value.
 */
function unwrapped(text: string): unknown {
  const lines = text.split(/\r?\n/)
  const isBare = text.startsWith('{') || MARKERS.has(lines[0] ?? '')
  const body = isBare ? lines : lines.slice(lines.indexOf('') + 1)
  try {
    return JSON.parse(body.filter((line) => !MARKERS.has(line)).join(''))
  } catch {
    return undefined
  }
}
