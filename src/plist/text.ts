/**
 * How a document is read. In an admin's, keys and values have to be text; in a device's, each place that is no text
 * becomes U+FFFD: Apple's writer escapes `<`, `>` and `&` and sends all other characters as they are.
 */
export type PlistReading = 'strict' | 'device'

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be'

/**
 * Stands for a place that is no text until the text around it is complete: a lone surrogate, which no sound text
 * holds. `isWellFormed` finds it, and `toWellFormed` makes it U+FFFD, so that a U+FFFD of the sender's own is no repair.
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

/** An engine keeps a note of each match until all is replaced: of a text of matches, forty times its memory. */
const PIECE = 4_096

/**
 * Text that was worked on piece by piece. A piece may end anywhere, or only `before` a character with which each match begins.
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

/** `replaceAll` in pieces. It would make a tree of strings, and `join` makes one. */
export function replaced(text: string, pattern: RegExp, by: string, before?: string): string {
  return inPieces(text, (piece) => piece.split(pattern).join(by), before)
}

/** Decodes bytes; those that are not of their encoding become {@link NO_TEXT}. */
export function decodeText(bytes: Uint8Array, encoding: Encoding): string {
  try {
    return SOUND[encoding].decode(bytes)
  } catch {
    return decodeBroken(bytes, encoding)
  }
}

/**
 * The decoder writes U+FFFD for bytes that it cannot read. So that the sender's own U+FFFD is told from these, it is U+FFFF
 * while the decoder runs, and U+FFFF is U+FFFE, which is as illegal.
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
