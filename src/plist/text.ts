/**
 * How a document is read. In an admin's document, keys and values have to be text. In a device's document
 * U+FFFD replaces each place that is not text: Apple's writer escapes `<`, `>` and `&` and sends all other
 * characters unchanged.
 */
export type PlistReading = 'strict' | 'device'

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be'

/**
 * Marks a place that is not text until the text around it is complete: a lone surrogate, which correct text
 * never holds. `isWellFormed` finds it and `toWellFormed` turns it into U+FFFD. So a U+FFFD from the sender
 * does not count as a repair.
 */
export const NO_TEXT = '\udc00'

const FATAL = { fatal: true, ignoreBOM: true }
const SOUND = {
  'utf-8': new TextDecoder('utf-8', FATAL),
  'utf-16le': new TextDecoder('utf-16le', FATAL),
  'utf-16be': new TextDecoder('utf-16be', FATAL),
}

// oxlint-disable-next-line no-control-regex -- XML 1.0 §2.2 is a rule about control characters
const ILLEGAL = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/
// oxlint-disable-next-line no-control-regex -- as above
const BROKEN = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffd\ufffe]/

/** Whether text holds a character that XML does not allow (XML 1.0 §2.2). */
export function isIllegal(text: string): boolean {
  return ILLEGAL.test(text)
}

/** Text with {@link NO_TEXT} in place of each character that XML does not allow. */
export function marked(text: string): string {
  return isIllegal(text) ? replaced(text, ILLEGAL, NO_TEXT) : text
}

/**
 * An engine keeps a note of each match until all are replaced: for a text full of matches, forty times its
 * memory.
 */
const PIECE = 4_096

/**
 * Text after work on its pieces. A piece may end anywhere, or only before `before`, a character that begins
 * each match.
 */
export function inPieces(text: string, work: (piece: string) => string, before = ''): string {
  let result = ''
  for (let from = 0; from < text.length;) {
    const end = text.indexOf(before, from + PIECE)
    const to = end === -1 ? text.length : end
    result += work(text.slice(from, to))
    from = to
  }
  return result
}

/** `replaceAll` in pieces, which alone would build a tree of strings. `join` builds one string. */
export function replaced(text: string, pattern: RegExp, by: string, before?: string): string {
  return inPieces(text, (piece) => piece.split(pattern).join(by), before)
}

/** Decodes bytes; those that are not valid in their encoding become {@link NO_TEXT}. */
export function decodeText(bytes: Uint8Array, encoding: Encoding): string {
  try {
    return SOUND[encoding].decode(bytes)
  } catch {
    return decodeBroken(bytes, encoding)
  }
}

/**
 * The decoder writes U+FFFD for bytes that it cannot read. To tell these from the sender's own U+FFFD, the
 * sender's is U+FFFF while the decoder runs, and U+FFFF is U+FFFE, which is as illegal.
 */
function decodeBroken(bytes: Uint8Array, encoding: Encoding): string {
  const copy = new Uint8Array(bytes)
  if (encoding === 'utf-8') hideInUtf8(copy)
  else hideInUtf16(copy, encoding === 'utf-16le' ? 1 : 0)
  const text = new TextDecoder(encoding, { fatal: false, ignoreBOM: true }).decode(copy)
  return replaced(replaced(text, BROKEN, NO_TEXT), /\uffff/, '\ufffd')
}

/** U+FFFD is EF BF BD, U+FFFE EF BF BE, U+FFFF EF BF BF. */
function hideInUtf8(bytes: Uint8Array): void {
  for (let at = bytes.indexOf(0xef); at !== -1; at = bytes.indexOf(0xef, at + 1)) {
    if (bytes[at + 1] === 0xbf) bytes[at + 2] = hidden(bytes[at + 2], 0xbd)
  }
}

function hideInUtf16(bytes: Uint8Array, high: 0 | 1): void {
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    const low = at + 1 - high
    if (bytes[at + high] === 0xff) bytes[low] = hidden(bytes[low], 0xfd)
  }
}

/** `replacement` is the last byte of U+FFFD. */
function hidden(last = 0, replacement: number): number {
  if (last === replacement) return replacement + 2
  return last === replacement + 2 ? replacement + 1 : last
}
