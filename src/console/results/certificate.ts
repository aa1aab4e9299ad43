/** The few fields of an X.509 certificate that a list shows (RFC 5280 §4.1). It checks nothing. */
import { isJsonKeys, type Json, type JsonObject } from '../composer/draft.ts'

export interface CertificateFacts {
  readonly subject: string
  readonly issuer: string
  readonly notBefore: string
  readonly notAfter: string
  /** In hexadecimal. */
  readonly serial: string
}

interface Part {
  readonly tag: number
  readonly content: Uint8Array
}

const SEQUENCE = 0x30
const SET = 0x31
const VERSION = 0xa0
const CERTIFICATES = 0xa0
const IN_PIECES = 0x24
const INDEFINITE = 0x80
const UTC_TIME = 0x17
/** commonName and organizationName (X.520), below 2.5.4. */
const COMMON_NAME = 3
const ORGANIZATION = 10

/**
 * @param base64 of the DER
 * @returns `undefined` for bytes that are no certificate
 */
export function certificateFacts(base64: string): CertificateFacts | undefined {
  try {
    const [certificate] = partsOf(bytesOf(base64))
    return certificate && factsIn(certificate)
  } catch {
    return undefined
  }
}

/** @throws RangeError for lengths that reach beyond the bytes */
function factsIn(certificate: Part): CertificateFacts | undefined {
  const [signed] = partsOf(certificate.content)
  const parts = partsOf(signed?.content).filter(({ tag }) => tag !== VERSION)
  const [serial, , issuer, validity, subject] = parts
  const [from, until] = partsOf(validity?.content)
  if (!serial || !issuer || !subject || !from || !until) {
    return undefined
  }
  return {
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    notBefore: timeOf(from),
    notAfter: timeOf(until),
    serial: hexOf(serial.content),
  }
}

/**
 * What a CMS SignedData carries, and the subject of the certificate that its signer names (RFC 5652 §5.1,
 * §5.3). Nothing is verified.
 *
 * @returns `undefined` for other bytes
 */
export function signedParts(
  bytes: Uint8Array,
): { readonly content: Uint8Array; readonly signer: string } | undefined {
  try {
    const [outer] = partsOf(bytes)
    const [, wrapped] = partsOf(outer?.content)
    const [signedData] = partsOf(wrapped?.content)
    const [, , carried, ...rest] = partsOf(signedData?.content)
    const [, content] = partsOf(carried?.content)
    const [octets] = partsOf(content?.content)
    if (outer?.tag !== SEQUENCE || !octets) {
      return undefined
    }
    return { content: joined(octets), signer: signerIn(rest) ?? '—' }
  } catch {
    return undefined
  }
}

/** The subject of the certificate whose serial number the last part of a SignedData names. */
function signerIn(parts: readonly Part[]): string | undefined {
  const [signer] = partsOf(parts.at(-1)?.content)
  const [, named] = partsOf(signer?.content)
  const [, serial] = partsOf(named?.content)
  return partsOf(parts.find(({ tag }) => tag === CERTIFICATES)?.content)
    .map(factsIn)
    .find((facts) => serial && facts?.serial === hexOf(serial.content))?.subject
}

/** An octet string, which may stand in pieces (X.690 §8.7.3). */
function joined({ tag, content }: Part): Uint8Array {
  return tag === IN_PIECES
    ? Uint8Array.from(partsOf(content).flatMap((piece) => [...joined(piece)]))
    : content
}

/**
 * The SHA-256 of each certificate in an answer to CertificateList, in hexadecimal, by its base64. Bytes that
 * cannot be read have none.
 */
export async function fingerprintsOf({
  CertificateList: list,
}: JsonObject): Promise<ReadonlyMap<string, string>> {
  const items: readonly Json[] = Array.isArray(list) ? list : []
  const found = await Promise.all(
    items.map(async (item) => {
      const data = isJsonKeys(item) ? item['Data'] : undefined
      if (typeof data !== 'string' || certificateFacts(data) === undefined) {
        return undefined
      }
      const hash = await crypto.subtle.digest('SHA-256', bytesOf(data))
      return [data, hexOf(new Uint8Array(hash))] as const
    }),
  )
  return new Map(found.filter((one) => one !== undefined))
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** @throws DOMException for a text that is no base64 */
export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
}

/** @throws RangeError for lengths that reach beyond the bytes */
function partsOf(bytes: Uint8Array = new Uint8Array()): readonly Part[] {
  return readParts(bytes, 0).parts
}

/** Reads to the end, or to the mark that ends a part of indefinite length (X.690 §8.1.3.6). */
function readParts(
  bytes: Uint8Array,
  from: number,
): { readonly parts: readonly Part[]; readonly end: number } {
  const parts: Part[] = []
  let at = from
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0
    let length = bytes[at + 1] ?? 0
    at += 2
    if (tag === 0 && length === 0) {
      break
    }
    if (length === INDEFINITE) {
      const { end } = readParts(bytes, at)
      parts.push({ tag, content: bytes.subarray(at, end - 2) })
      at = end
      continue
    }
    if (length > INDEFINITE) {
      const count = length - INDEFINITE
      length = bytes.subarray(at, at + count).reduce((sum, byte) => sum * 256 + byte, 0)
      at += count
    }
    if (at + length > bytes.length) {
      throw new RangeError('the bytes end too early')
    }
    parts.push({ tag, content: bytes.subarray(at, at + length) })
    at += length
  }
  return { parts, end: at }
}

/** The common name, or the organisation. */
function nameOf({ content }: Part): string {
  const entries = partsOf(content)
    .filter(({ tag }) => tag === SET)
    .flatMap((set) => partsOf(set.content))
    .filter(({ tag }) => tag === SEQUENCE)
    .map((pair) => partsOf(pair.content))
  const texts = new Map(
    entries.map(([oid, value]) => [oid?.content.at(-1), new TextDecoder().decode(value?.content)]),
  )
  return texts.get(COMMON_NAME) ?? texts.get(ORGANIZATION) ?? '—'
}

/** YYMMDDhhmmssZ, whose years from 50 on are of the last century, or YYYYMMDDhhmmssZ. */
function timeOf({ tag, content }: Part): string {
  const digits = new TextDecoder().decode(content)
  const year = tag === UTC_TIME ? (Number(digits.slice(0, 2)) < 50 ? '20' : '19') : ''
  const [, y, m, d, h, min, s] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(year + digits) ?? []
  return `${y}-${m}-${d}T${h}:${min}:${s}Z`
}
