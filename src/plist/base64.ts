const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const PAD = 61
const SPACE = 64
const INVALID = 255

/** Characters that may stand between base64 digits: XML white space in `<data>`, CR and LF in Go's JSON. */
export type Base64Filler = ' \t\r\n' | '\r\n'

const TABLES: Readonly<Record<Base64Filler, Uint8Array>> = {
  ' \t\r\n': digitTable(' \t\r\n'),
  '\r\n': digitTable('\r\n'),
}

function digitTable(filler: string): Uint8Array {
  const table = new Uint8Array(256).fill(INVALID)
  for (let value = 0; value < ALPHABET.length; value++) table[ALPHABET.charCodeAt(value)] = value
  for (let i = 0; i < filler.length; i++) table[filler.charCodeAt(i)] = SPACE
  return table
}

/**
 * Decodes standard base64 (RFC 4648 §4). Padding is required, as in Go's `base64.StdEncoding`, so that a
 * cut value does not pass for a shorter one.
 *
 * @returns the bytes, or the index of the first character that is not acceptable
 */
export function decodeBase64(text: string, filler: Base64Filler): Uint8Array | number {
  const table = TABLES[filler]
  const out = new Uint8Array(Math.floor((text.length * 3) / 4))
  let length = 0
  let bits = 0
  let count = 0
  for (let i = 0; i < text.length; i++) {
    const digit = digitAt(table, text, i)
    if (digit < SPACE) {
      bits = (bits << 6) | digit
      if (++count === 4) {
        out[length++] = bits >> 16
        out[length++] = bits >> 8
        out[length++] = bits
        bits = 0
        count = 0
      }
    } else if (digit !== SPACE) {
      const error = text.charCodeAt(i) === PAD ? paddingError(table, text, i, 4 - count) : i
      if (error !== undefined) return error
      if (count === 3) out[length++] = bits >> 10
      out[length++] = count === 3 ? bits >> 2 : bits >> 4
      return out.slice(0, length)
    }
  }
  if (count !== 0) return text.length - count
  return length === out.length ? out : out.slice(0, length)
}

function digitAt(table: Uint8Array, text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code < 256 ? (table[code] ?? INVALID) : INVALID
}

/** The index where the rest of the text has anything but `wanted` (1 or 2) pads and filler. */
function paddingError(
  table: Uint8Array,
  text: string,
  from: number,
  wanted: number,
): number | undefined {
  let pads = 0
  for (let i = from; i < text.length; i++) {
    if (text.charCodeAt(i) === PAD && pads < wanted) pads++
    else if (digitAt(table, text, i) !== SPACE) return i
  }
  if (wanted > 2) return from
  return pads === wanted ? undefined : text.length
}

/** Encodes bytes as unwrapped, padded standard base64 (RFC 4648 §4). */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  // Chunks keep the argument list of fromCharCode short; a multiple of 3 needs no padding.
  for (let at = 0; at < bytes.length; at += 8190) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + 8190)))
  }
  return text
}
