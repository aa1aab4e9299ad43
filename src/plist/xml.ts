import { PlistError } from './error.ts'

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const SLASH = 47
const GREATER = 62
const LESS = 60
const LOWER_A = 97
const LOWER_Z = 122

/** The longest reference that can be legal is `&#x0010FFFF;` with a few leading zeros. */
const MAX_REFERENCE = 16
const REFERENCE = /^#(?:([0-9]+)|x([0-9a-fA-F]+))$/
const ATTRIBUTE =
  /[ \t\r\n]+[A-Za-z_:][A-Za-z0-9_:.-]*[ \t\r\n]*=[ \t\r\n]*(?:"[^"<&]*"|'[^'<&]*')/y
// oxlint-disable-next-line no-control-regex -- XML 1.0 §2.2 is a rule about control characters
const ILLEGAL = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/
const DECLARATION = /^<\?xml[ \t\n]/
const ENCODING = /encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']*)["']/
const DOCTYPE =
  /<!DOCTYPE[ \t\r\n]+plist(?:[ \t\r\n]+(?:PUBLIC[ \t\r\n]+(?:"[^"]*"|'[^']*')|SYSTEM)[ \t\r\n]+(?:"[^"]*"|'[^']*'))?[ \t\r\n]*>/y
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** A place in a document. `selfClosed` describes the tag that {@link openTag} returned last. */
export interface XmlCursor {
  readonly text: string
  /** No `&` and no `]]>` anywhere, so that text needs no second look. */
  readonly plain: boolean
  at: number
  selfClosed: boolean
}

/** Throws a {@link PlistError} that names the cursor's place. */
export function fail(cursor: XmlCursor, message: string): never {
  throw new PlistError(message, cursor.at)
}

/**
 * A cursor at the root element, after XML declaration, DOCTYPE, comments and white space. Line ends are
 * normalised here (XML 1.0 §2.11). An internal DTD subset is refused, whatever it declares; an external
 * identifier is Apple's habit and never fetched.
 *
 * @throws PlistError
 */
export function openDocument(decoded: string): XmlCursor {
  const text = decoded.includes('\r') ? decoded.replace(/\r\n?/g, '\n') : decoded
  const plain = !text.includes('&') && !text.includes(']]>')
  const cursor: XmlCursor = { text, plain, at: 0, selfClosed: false }
  const illegal = text.search(ILLEGAL)
  if (illegal !== -1) throw new PlistError('character that XML does not allow', illegal)
  skipDeclaration(cursor)
  skipMisc(cursor)
  if (text.startsWith('<!DOCTYPE', cursor.at)) {
    DOCTYPE.lastIndex = cursor.at
    if (!DOCTYPE.test(text)) fail(cursor, 'document type that is not a plain plist one')
    cursor.at = DOCTYPE.lastIndex
    skipMisc(cursor)
  }
  return cursor
}

function skipDeclaration(cursor: XmlCursor): void {
  const { text } = cursor
  if (!DECLARATION.test(text)) return
  const end = text.indexOf('?>')
  if (end === -1) fail(cursor, 'XML declaration without end')
  const encoding = ENCODING.exec(text.slice(0, end))?.[1]?.toLowerCase() ?? 'utf-8'
  // The text is decoded already; another encoding's name means that the bytes meant something else.
  if (encoding !== 'utf-8' && encoding !== 'us-ascii' && !encoding.startsWith('utf-16')) {
    fail(cursor, `encoding ${encoding} is not supported`)
  }
  cursor.at = end + 2
}

/** Moves over white space, comments and processing instructions. @throws PlistError */
export function skipMisc(cursor: XmlCursor): void {
  for (;;) {
    skipSpace(cursor)
    if (cursor.text.charCodeAt(cursor.at) !== LESS || !skipMarkup(cursor)) return
  }
}

function skipSpace(cursor: XmlCursor): void {
  const { text } = cursor
  let at = cursor.at
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== LF && code !== SPACE && code !== TAB && code !== CR) break
    at++
  }
  cursor.at = at
}

/** Moves over one comment or processing instruction, if there is one. */
function skipMarkup(cursor: XmlCursor): boolean {
  const { text } = cursor
  if (text.startsWith('<!--', cursor.at)) {
    const end = text.indexOf('--', cursor.at + 4)
    if (end === -1) fail(cursor, 'comment without end')
    if (text.charCodeAt(end + 2) !== GREATER) fail(cursor, '"--" inside a comment')
    cursor.at = end + 3
    return true
  }
  if (text.startsWith('<?', cursor.at)) {
    const end = text.indexOf('?>', cursor.at)
    if (end === -1) fail(cursor, 'processing instruction without end')
    if (text.slice(cursor.at + 2, cursor.at + 5).toLowerCase() === 'xml') {
      fail(cursor, 'XML declaration that is not at the start')
    }
    cursor.at = end + 2
    return true
  }
  return false
}

/** Whether the cursor stands at a closing tag. */
export function atClosingTag(cursor: XmlCursor): boolean {
  return (
    cursor.text.charCodeAt(cursor.at) === LESS && cursor.text.charCodeAt(cursor.at + 1) === SLASH
  )
}

/**
 * Reads an opening or self-closed tag and returns its name (lower-case letters; all of plist's are). Attributes are
 * checked and dropped: CoreFoundation ignores them too.
 *
 * @throws PlistError
 */
export function openTag(cursor: XmlCursor): string {
  const { text } = cursor
  if (cursor.at >= text.length) fail(cursor, 'unexpected end of input')
  if (text.charCodeAt(cursor.at) !== LESS) fail(cursor, 'text where an element should be')
  let end = cursor.at + 1
  for (;;) {
    const code = text.charCodeAt(end)
    if (!(code >= LOWER_A && code <= LOWER_Z)) break
    end++
  }
  const name = text.slice(cursor.at + 1, end)
  cursor.at = end
  if (text.charCodeAt(end) === GREATER) {
    cursor.selfClosed = false
    cursor.at = end + 1
  } else {
    finishTag(cursor)
  }
  return name
}

function finishTag(cursor: XmlCursor): void {
  const { text } = cursor
  ATTRIBUTE.lastIndex = cursor.at
  while (ATTRIBUTE.test(text)) cursor.at = ATTRIBUTE.lastIndex
  skipSpace(cursor)
  cursor.selfClosed = text.charCodeAt(cursor.at) === SLASH
  if (cursor.selfClosed) cursor.at++
  if (text.charCodeAt(cursor.at) !== GREATER) fail(cursor, 'malformed tag')
  cursor.at++
}

/** Reads `</name>`. @throws PlistError */
export function closeTag(cursor: XmlCursor, name: string): void {
  const { text } = cursor
  if (!atClosingTag(cursor) || !text.startsWith(name, cursor.at + 2)) {
    fail(cursor, cursor.at < text.length ? `expected </${name}>` : 'unexpected end of input')
  }
  cursor.at += 2 + name.length
  if (text.charCodeAt(cursor.at) !== GREATER) {
    skipSpace(cursor)
    if (text.charCodeAt(cursor.at) !== GREATER) fail(cursor, `expected </${name}>`)
  }
  cursor.at++
}

/**
 * The text of the element whose opening tag was just read, up to and with its closing tag. Comments inside
 * are dropped and their neighbours joined, CDATA is literal, nothing is trimmed (apple-protocol §8).
 *
 * @throws PlistError
 */
export function readText(cursor: XmlCursor, name: string): string {
  if (cursor.selfClosed) return ''
  const { text } = cursor
  let content = ''
  for (;;) {
    const end = text.indexOf('<', cursor.at)
    if (end === -1) fail(cursor, `unexpected end of input in <${name}>`)
    const run = cursor.plain ? text.slice(cursor.at, end) : decodeRun(cursor, end)
    content = content === '' ? run : content + run
    cursor.at = end
    if (text.charCodeAt(end + 1) === SLASH) {
      closeTag(cursor, name)
      return content
    }
    if (text.startsWith('<![CDATA[', end)) {
      const close = text.indexOf(']]>', end + 9)
      if (close === -1) fail(cursor, 'CDATA section without end')
      content += text.slice(end + 9, close)
      cursor.at = close + 3
    } else if (!skipMarkup(cursor)) {
      fail(cursor, `element inside <${name}>`)
    }
  }
}

function decodeRun(cursor: XmlCursor, end: number): string {
  const run = cursor.text.slice(cursor.at, end)
  if (run.includes(']]>')) fail(cursor, '"]]>" in text')
  let content = ''
  let from = 0
  for (let amp = run.indexOf('&'); amp !== -1; amp = run.indexOf('&', from)) {
    const semicolon = run.slice(amp, amp + MAX_REFERENCE).indexOf(';') + amp
    const value = semicolon > amp ? expand(run.slice(amp + 1, semicolon)) : undefined
    if (value === undefined) {
      cursor.at += amp
      fail(cursor, 'undefined entity or malformed reference')
    }
    content += run.slice(from, amp) + value
    from = semicolon + 1
  }
  return from === 0 ? run : content + run.slice(from)
}

function expand(name: string): string | undefined {
  const entity = ENTITIES.get(name)
  if (entity !== undefined) return entity
  const match = REFERENCE.exec(name)
  if (match === null) return undefined
  const code = match[1] === undefined ? parseInt(match[2] ?? '', 16) : parseInt(match[1], 10)
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined
  const character = String.fromCodePoint(code)
  return ILLEGAL.test(character) ? undefined : character
}
