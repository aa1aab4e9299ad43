import { PlistError } from './error.ts'
import { inPieces, isIllegal, marked, NO_TEXT, type PlistReading, replaced } from './text.ts'

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const SLASH = 47
const GREATER = 62
const LESS = 60
const LOWER_A = 97
const LOWER_Z = 122

const LINE_END = /\r\n?/
const BYTE_ORDER_MARK = '\ufeff'
/** Matches a bare `&` too, so that one place refuses every malformed reference. */
const REFERENCES = /&(?:#([0-9]+);|#x([0-9a-fA-F]+);|(amp|lt|gt|quot|apos);)?/g
/** Ends at the first `>`, even in quotes, as CoreFoundation's tag does. */
const ATTRIBUTE =
  /[ \t\r\n]+[A-Za-z_:][A-Za-z0-9_:.-]*[ \t\r\n]*=[ \t\r\n]*(?:"[^"<>&]*"|'[^'<>&]*')/y
const DECLARATION = /<\?xml[ \t\r\n]/y
const ENCODING = /encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']*)/g
/** Ends at the first `>`, even in quotes, as in CoreFoundation. */
const DOCTYPE = /<!DOCTYPE[^[<>]*>/y
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
  readonly reading: PlistReading
  /** Whether the document has no `&`, so that text needs no second look. */
  readonly plain: boolean
  at: number
  selfClosed: boolean
}

/** Throws a {@link PlistError} that names the cursor's place. */
export function fail(cursor: XmlCursor, message: string): never {
  throw new PlistError(message, cursor.at)
}

/**
 * A cursor at the root element. CoreFoundation skips, in any order and number: white space, comments,
 * processing instructions, XML declarations and DOCTYPEs. Line ends are normalised here (XML 1.0 §2.11). An
 * internal DTD subset is refused. An external identifier is accepted, as Apple writes one, and never fetched.
 *
 * @throws PlistError
 */
export function openDocument(decoded: string, reading: PlistReading): XmlCursor {
  const text = marked(decoded.includes('\r') ? replaced(decoded, LINE_END, '\n', '\r') : decoded)
  return atRoot(text, reading, text.startsWith(BYTE_ORDER_MARK) ? 1 : 0)
}

/** {@link openDocument} for text that needs no preparation, from `start` on. @throws PlistError */
export function atRoot(text: string, reading: PlistReading, start: number): XmlCursor {
  const plain = !text.includes('&')
  const cursor: XmlCursor = { text, reading, plain, at: start, selfClosed: false }
  for (;;) {
    skipMisc(cursor)
    if (!text.startsWith('<!DOCTYPE', cursor.at)) break
    DOCTYPE.lastIndex = cursor.at
    if (!DOCTYPE.test(text)) fail(cursor, 'DOCTYPE with declarations in it, or without end')
    cursor.at = DOCTYPE.lastIndex
  }
  // CoreFoundation would look for the end one character too late here, and find another.
  if (reading === 'strict' && text.slice(start, cursor.at).includes('<!---->'))
    fail(cursor, 'empty comment before the root element: write something in it')
  return cursor
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

/**
 * Moves over one comment or processing instruction, if there is one. A comment may hold `--`, as in
 * CoreFoundation.
 */
function skipMarkup(cursor: XmlCursor): boolean {
  const { text } = cursor
  if (text.startsWith('<!--', cursor.at)) {
    const end = text.indexOf('-->', cursor.at + 4)
    if (end === -1) fail(cursor, 'comment without end')
    cursor.at = end + 3
    return true
  }
  if (text.startsWith('<?', cursor.at)) {
    const end = text.indexOf('?>', cursor.at + 2)
    if (end === -1) fail(cursor, 'processing instruction without end')
    // Inside an element, CoreFoundation accepts this as a whole comment.
    if (text.startsWith('>', cursor.at + 2)) fail(cursor, 'processing instruction without name')
    DECLARATION.lastIndex = cursor.at
    // In the first bytes, CoreFoundation looks for an encoding in everything that begins like a
    // declaration.
    if (cursor.at === 0 ? text.startsWith('<?xml') : DECLARATION.test(text))
      checkEncoding(cursor, text.slice(cursor.at, end))
    cursor.at = end + 2
    return true
  }
  return false
}

/**
 * The text is decoded already. Another encoding's name means that the bytes had another meaning. Each name
 * in the declaration counts, because parsers disagree about which text is an attribute.
 */
function checkEncoding(cursor: XmlCursor, declaration: string): void {
  // Without a byte order mark, CoreFoundation trusts the declaration.
  const isWide = cursor.at > 0 || cursor.reading === 'device'
  for (const [, name = ''] of declaration.matchAll(ENCODING)) {
    const encoding = name.toLowerCase()
    const isKnown =
      encoding === 'utf-8' || encoding === 'us-ascii' || (encoding.startsWith('utf-16') && isWide)
    if (!isKnown) fail(cursor, `encoding ${encoding} is not supported: save it as UTF-8`)
  }
}

/** Whether the cursor stands at a closing tag. */
export function atClosingTag(cursor: XmlCursor): boolean {
  return (
    cursor.text.charCodeAt(cursor.at) === LESS && cursor.text.charCodeAt(cursor.at + 1) === SLASH
  )
}

/**
 * Reads an opening or self-closed tag and returns its name (lower-case letters: plist has no others).
 * Attributes are checked and dropped, as CoreFoundation ignores them.
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
 * are dropped and their neighbours joined, CDATA is literal, nothing is trimmed. `]]>` in text is text, as
 * in CoreFoundation. Only a device's text may hold `NO_TEXT`.
 *
 * @throws PlistError
 */
export function readText(cursor: XmlCursor, name: string): string {
  if (cursor.selfClosed) return ''
  const { text, at: start } = cursor
  let content = ''
  for (;;) {
    const end = text.indexOf('<', cursor.at)
    if (end === -1) fail(cursor, `unexpected end of input in <${name}>`)
    const run = cursor.plain ? text.slice(cursor.at, end) : decodeRun(cursor, end)
    content = content === '' ? run : content + run
    cursor.at = end
    if (text.charCodeAt(end + 1) === SLASH) {
      if (cursor.reading === 'strict' && !content.isWellFormed()) {
        cursor.at = start
        fail(cursor, `bytes that are no text, or a character that XML does not allow, in <${name}>`)
      }
      closeTag(cursor, name)
      // CoreFoundation drops a mark at the beginning of a string.
      const isMarked = cursor.reading === 'strict' && content.startsWith(BYTE_ORDER_MARK)
      return isMarked ? content.slice(1) : content
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
  if (!run.includes('&')) return run
  return inPieces(run, (piece) => decodePiece(cursor, piece), '&')
}

function decodePiece(cursor: XmlCursor, piece: string): string {
  const decoded = piece.replace(
    REFERENCES,
    (_, decimal?: string, hex?: string, name?: string, at: number = 0) => {
      if (decimal !== undefined) return character(parseInt(decimal, 10))
      if (hex !== undefined) return character(parseInt(hex, 16))
      const entity = name === undefined ? undefined : ENTITIES.get(name)
      if (entity !== undefined) return entity
      cursor.at += at
      return fail(cursor, 'undefined entity or malformed reference')
    },
  )
  // The next read fails at that place.
  cursor.at += piece.length
  return decoded
}

function character(code: number): string {
  const text = code <= 0x10ffff ? String.fromCodePoint(code) : NO_TEXT
  return text.isWellFormed() && !isIllegal(text) ? text : NO_TEXT
}
