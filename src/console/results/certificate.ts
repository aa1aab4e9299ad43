/** The few fields of an X.509 certificate that a list shows (RFC 5280 §4.1). It checks nothing. */

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
    const [signed] = partsOf(certificate?.content)
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
      serial: [...serial.content].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    }
  } catch {
    return undefined
  }
}

/** @throws DOMException for a text that is no base64 */
export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
}

/** @throws RangeError for lengths that reach beyond the bytes */
function partsOf(bytes: Uint8Array = new Uint8Array()): Part[] {
  const parts: Part[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0
    let length = bytes[at + 1] ?? 0
    at += 2
    if (length > 0x80) {
      const count = length - 0x80
      length = bytes.subarray(at, at + count).reduce((sum, byte) => sum * 256 + byte, 0)
      at += count
    }
    if (at + length > bytes.length) {
      throw new RangeError('the bytes end too early')
    }
    parts.push({ tag, content: bytes.subarray(at, at + length) })
    at += length
  }
  return parts
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
