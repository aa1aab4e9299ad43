/** A JSON value as Go's decoder reads it: integers beyond ±(2^53 − 1) keep their digits as `bigint`. */
export type JsonValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | readonly JsonValue[]
  | JsonObject

/**
 * An object without prototype. Keys are in the order of their last appearance; of equal keys the last is
 * kept.
 */
export interface JsonObject {
  readonly [key: string]: JsonValue
}

export type JsonReading =
  | { readonly ok: true; readonly value: JsonValue }
  /** `at` counts the UTF-16 units that were read. */
  | { readonly ok: false; readonly error: string; readonly at: number }

/** Go allows 10,000. Plists allow 128, and the stack of a Worker is smaller than Go's. */
const MAX_DEPTH = 1000
/** Characters of a JSON string up to the next one that ends it, escapes, or is illegal. */
// oxlint-disable-next-line no-control-regex -- RFC 8259 §7 is a rule about control characters
const PLAIN = /[^"\\\u0000-\u001f]*/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y
const SPACE = /[ \t\r\n]*/y
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

/** No int64 is longer. BigInt() takes quadratic time. */
const MAX_EXACT_DIGITS = 40

interface JsonCursor {
  readonly text: string
  at: number
}

/** Why reading stopped: the `error` of {@link readGoJson}. */
class JsonSyntaxError extends Error {}

/**
 * Reads the first JSON value of a request body with the tolerance and the messages of Go's `json.Decoder`:
 * trailing bytes are ignored, an empty body is `EOF`, a cut one `unexpected EOF`. Unlike Go, it accepts a
 * comma before `}` or `]`, because MicroMDM's own guide shows one.
 */
export function readGoJson(text: string): JsonReading {
  const cursor: JsonCursor = { text, at: 0 }
  skipSpace(cursor)
  if (cursor.at === text.length) return { ok: false, error: 'EOF', at: 0 }
  try {
    return { ok: true, value: readValue(cursor, 1) }
  } catch (error) {
    if (error instanceof JsonSyntaxError) {
      return { ok: false, error: error.message, at: cursor.at }
    }
    throw error
  }
}

function readValue(cursor: JsonCursor, depth: number): JsonValue {
  if (depth > MAX_DEPTH) throw new JsonSyntaxError('exceeded max depth')
  const character = cursor.text[cursor.at]
  switch (character) {
    case '{':
      return readObject(cursor, depth)
    case '[':
      return readArray(cursor, depth)
    case '"':
      return readString(cursor)
    case 't':
      return readLiteral(cursor, 'true', true)
    case 'f':
      return readLiteral(cursor, 'false', false)
    case 'n':
      return readLiteral(cursor, 'null', null)
    default:
      if (character === '-' || (character !== undefined && character >= '0' && character <= '9')) {
        return readNumber(cursor)
      }
      return unexpected(cursor, 'looking for beginning of value')
  }
}

function readObject(cursor: JsonCursor, depth: number): JsonObject {
  const object: Record<string, JsonValue> = Object.create(null)
  advance(cursor)
  while (cursor.text[cursor.at] !== '}') {
    if (cursor.text[cursor.at] !== '"') {
      unexpected(cursor, 'looking for beginning of object key string')
    }
    const key = readString(cursor)
    skipSpace(cursor)
    if (cursor.text[cursor.at] !== ':') unexpected(cursor, 'after object key')
    advance(cursor)
    const value = readValue(cursor, depth + 1)
    // Assigning alone would keep the place of the first of equal keys.
    if (key in object) Reflect.deleteProperty(object, key)
    object[key] = value
    skipSpace(cursor)
    if (cursor.text[cursor.at] === ',') advance(cursor)
    else if (cursor.text[cursor.at] !== '}') unexpected(cursor, 'after object key:value pair')
  }
  cursor.at++
  return object
}

function readArray(cursor: JsonCursor, depth: number): JsonValue[] {
  const items: JsonValue[] = []
  advance(cursor)
  while (cursor.text[cursor.at] !== ']') {
    items.push(readValue(cursor, depth + 1))
    skipSpace(cursor)
    if (cursor.text[cursor.at] === ',') advance(cursor)
    else if (cursor.text[cursor.at] !== ']') unexpected(cursor, 'after array element')
  }
  cursor.at++
  return items
}

function readString(cursor: JsonCursor): string {
  const { text } = cursor
  let content = ''
  cursor.at++
  for (;;) {
    PLAIN.lastIndex = cursor.at
    PLAIN.test(text)
    content += text.slice(cursor.at, PLAIN.lastIndex)
    cursor.at = PLAIN.lastIndex
    const character = text[cursor.at]
    if (character === '"') break
    if (character !== '\\') unexpected(cursor, 'in string literal')
    cursor.at++
    content += readEscape(cursor)
  }
  cursor.at++
  // Go replaces it with U+FFFD. A plist could not hold a lone surrogate either.
  return content.toWellFormed()
}

function readEscape(cursor: JsonCursor): string {
  const { text } = cursor
  const character = text[cursor.at] ?? ''
  const escaped = ESCAPES.get(character)
  if (escaped === undefined && character !== 'u') unexpected(cursor, 'in string escape code')
  cursor.at++
  if (escaped !== undefined) return escaped
  const start = cursor.at
  while (cursor.at < start + 4) {
    if (!/[0-9a-fA-F]/.test(text[cursor.at] ?? '')) {
      unexpected(cursor, 'in \\u hexadecimal character escape')
    }
    cursor.at++
  }
  return String.fromCharCode(parseInt(text.slice(start, cursor.at), 16))
}

function readLiteral<T>(cursor: JsonCursor, word: string, value: T): T {
  for (let i = 0; i < word.length; i++, cursor.at++) {
    if (cursor.text[cursor.at] !== word[i]) {
      unexpected(cursor, `in literal ${word} (expecting '${word.charAt(i)}')`)
    }
  }
  return value
}

function readNumber(cursor: JsonCursor): number | bigint {
  NUMBER.lastIndex = cursor.at
  const match = NUMBER.exec(cursor.text)
  if (match === null) {
    cursor.at++
    return unexpected(cursor, 'in numeric literal')
  }
  cursor.at = NUMBER.lastIndex
  const [digits, fraction, exponent] = match
  const number = Number(digits)
  const exact = fraction === undefined && exponent === undefined
  return !exact || Number.isSafeInteger(number) || digits.length > MAX_EXACT_DIGITS
    ? number
    : BigInt(digits)
}

function skipSpace(cursor: JsonCursor): void {
  SPACE.lastIndex = cursor.at
  SPACE.test(cursor.text)
  cursor.at = SPACE.lastIndex
}

/** Past one character of punctuation and the white space after it. */
function advance(cursor: JsonCursor): void {
  cursor.at++
  skipSpace(cursor)
}

function unexpected(cursor: JsonCursor, context: string): never {
  const code = cursor.text.codePointAt(cursor.at)
  if (code === undefined) throw new JsonSyntaxError('unexpected EOF')
  throw new JsonSyntaxError(`invalid character ${quoted(code)} ${context}`)
}

/** As Go's `quoteChar` writes it. */
function quoted(code: number): string {
  const character = String.fromCodePoint(code)
  if (character === "'") return "'\\''"
  if (character === '\\') return "'\\\\'"
  if (character === '\n') return "'\\n'"
  if (character === '\r') return "'\\r'"
  if (character === '\t') return "'\\t'"
  return code < 0x20 ? `'\\x${code.toString(16).padStart(2, '0')}'` : `'${character}'`
}
