import { hash } from 'node:crypto'
import { OwnError } from '../../reason.ts'

/** How deeply a payload may nest. Apple's own types nest 10 levels, but for folders of bookmarks. */
export const MAX_PAYLOAD_DEPTH = 32

/** A content token: enough of a SHA-256 that no two contents share it. */
const TOKEN_DIGITS = 32

export class PayloadError extends OwnError {
  override readonly name = 'PayloadError'
  readonly code: 'not_json' | 'duplicate_key' | 'too_deep'

  constructor(code: PayloadError['code'], message: string) {
    super(message)
    this.code = code
  }
}

type Tokens = Iterator<RegExpExecArray>

/**
 * JSON with sorted keys and without white space: texts of equal content are equal. A number keeps the text
 * that the admin wrote, so that no digit is lost. `__proto__` is a key like any other.
 *
 * @throws PayloadError if the text is not JSON, names a key twice in one object, or nests too deeply
 */
export function canonicalJson(text: string): string {
  try {
    JSON.parse(text)
  } catch {
    throw new PayloadError('not_json', 'the payload is not JSON')
  }
  const tokens = text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g)
  return written(next(tokens), tokens, 0)
}

/** The text is valid JSON: a value does not end before its last token. */
function next(tokens: Tokens): string {
  const { value } = tokens.next()
  return value?.[0] ?? ''
}

function written(token: string, tokens: Tokens, depth: number): string {
  if (token !== '[' && token !== '{') {
    return token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token
  }
  if (depth === MAX_PAYLOAD_DEPTH) {
    throw new PayloadError(
      'too_deep',
      `the payload nests more than ${MAX_PAYLOAD_DEPTH} levels deep`,
    )
  }
  return token === '[' ? writtenList(tokens, depth + 1) : writtenObject(tokens, depth + 1)
}

function writtenList(tokens: Tokens, depth: number): string {
  const items: string[] = []
  for (let token = next(tokens); token !== ']'; token = next(tokens)) {
    if (token !== ',') items.push(written(token, tokens, depth))
  }
  return `[${items.join(',')}]`
}

function writtenObject(tokens: Tokens, depth: number): string {
  const members = new Map<string, string>()
  for (let token = next(tokens); token !== '}'; token = next(tokens)) {
    if (token === ',') continue
    const key: string = JSON.parse(token)
    if (members.has(key)) {
      const named = JSON.stringify(key.slice(0, 100))
      throw new PayloadError(
        'duplicate_key',
        `the payload has the key ${named} twice in one object`,
      )
    }
    next(tokens)
    members.set(key, written(next(tokens), tokens, depth))
  }
  const sorted = [...members].sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${sorted.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`
}

/**
 * Names the content of a declaration: an equal type and payload have an equal token, 32 hex digits.
 *
 * @throws PayloadError as {@link canonicalJson}
 */
export function contentToken(type: string, payloadText: string): string {
  const content = `{"Payload":${canonicalJson(payloadText)},"Type":${JSON.stringify(type)}}`
  return hash('sha256', content).slice(0, TOKEN_DIGITS)
}
