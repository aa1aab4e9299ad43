/** The bare word, in double quotes, or an object with a `code`: Apple has sent all three. */
const WORD = /^\s*(?:"([A-Za-z0-9_]{1,64})"|([A-Za-z0-9_]{1,64}))\s*$/

/**
 * The one word of an error's body, in capitals; empty when the body is no single word, an HTML page for
 * example. Callers compare whole words (Apple, "Interpreting Automated Device Enrollment error codes").
 */
export function errorWord(body: string): string {
  const [, quoted, bare] = WORD.exec(body) ?? WORD.exec(codeOf(body)) ?? []
  return (quoted ?? bare ?? '').toUpperCase()
}

function codeOf(body: string): string {
  return /^\s*\{[^{}]*"code"\s*:\s*"(\w{1,64})"/.exec(body)?.[1] ?? ''
}
