import { decodeBase64 } from './base64.ts'

const MIN_INTEGER = -(2n ** 63n)
const MAX_INTEGER = 2n ** 64n - 1n
/** No legal integer is longer. BigInt() takes quadratic time, so a megabyte of digits must not reach it. */
const MAX_INTEGER_TEXT = 64
const INTEGER = /^[+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+)$/
const REAL = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/
const NOT_FINITE = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/

/**
 * The content of `<integer>`: decimal or hexadecimal with an optional sign, as CoreFoundation reads it
 * (docs/micromdm.md §8). Undefined when it is not an integer or outside of −2^63 … 2^64−1.
 */
export function parseInteger(text: string): number | bigint | undefined {
  const body = trimmed(text)
  if (body.length > MAX_INTEGER_TEXT || !INTEGER.test(body)) return undefined
  // Fifteen characters of decimal or hexadecimal always fit a double exactly; longer text continues below.
  const short = body.length <= 15 ? Number(body) : Number.NaN
  if (Number.isSafeInteger(short)) return short + 0
  const negative = body.startsWith('-')
  const digits = BigInt(negative || body.startsWith('+') ? body.slice(1) : body)
  return integerOf(negative ? -digits : digits)
}

/** A number where a double holds it exactly, else the bigint; undefined outside −2^63 … 2^64−1. */
export function integerOf(value: bigint): number | bigint | undefined {
  if (value < MIN_INTEGER || value > MAX_INTEGER) return undefined
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/**
 * The content of `<real>`, with `nan` and `inf` as CoreFoundation writes them; undefined when it is not a
 * number.
 */
export function parseReal(text: string): number | undefined {
  const body = trimmed(text)
  if (REAL.test(body)) return Number(body) + 0
  const special = NOT_FINITE.exec(body)
  if (special === null) return undefined
  if (special[2] !== undefined) return Number.NaN
  return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/** The content of `<date>`, only as `YYYY-MM-DDThh:mm:ssZ`; undefined when there is no such moment. */
export function parseDate(text: string): Date | undefined {
  const body = trimmed(text)
  if (!DATE.test(body)) return undefined
  const date = new Date(body)
  // Date turns 30 February into 1 or 2 March. A date that changes does not exist.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 19) !== body.slice(0, 19)) {
    return undefined
  }
  return date
}

/** The content of `<data>`: base64 with XML white space anywhere; undefined when it is malformed. */
export function parseData(text: string): Uint8Array | undefined {
  const bytes = decodeBase64(text, ' \t\r\n')
  return typeof bytes === 'number' ? undefined : bytes
}

function trimmed(text: string): string {
  return text.charCodeAt(0) > 32 && text.charCodeAt(text.length - 1) > 32 ? text : text.trim()
}
