/** The tokens of JSON. The text has to be valid. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** Go's encoder escapes these in texts, so that JSON may stand inside HTML. */
const HTML = /[<>&\u2028\u2029]/g

/**
 * The members of an object, each value as it is written: a number would lose digits if it were read. Of equal
 * names the last counts. @param text valid JSON, an object
 */
export function membersIn(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>()
  let depth = 0
  let name = ''
  let start = 0
  for (const { 0: token, index } of text.matchAll(TOKENS)) {
    const isAtEnd = depth === 1 && (token === ',' || token === '}')
    if (isAtEnd && name !== '') {
      members.set(JSON.parse(name), text.slice(start, index).trim())
      name = ''
    } else if (depth === 1 && name === '') {
      name = token
    } else if (depth === 1 && token === ':') {
      start = index + 1
    }
    depth += depthOf(token)
  }
  return members
}

/** JSON with line ends and tabs as Go writes them, without a line end behind it. @param text valid JSON */
export function tabbed(text: string): string {
  let depth = 0
  let before = ''
  let written = ''
  for (const [token] of text.matchAll(TOKENS)) {
    depth += Math.min(depthOf(token), 0)
    const isEmpty = /^[{[]$/.test(before) && /^[}\]]$/.test(token)
    const isOnNewLine = !isEmpty && (/^[}\]]$/.test(token) || /^[{[,]$/.test(before))
    written += (isOnNewLine ? `\n${'\t'.repeat(depth)}` : '') + escaped(token)
    depth += Math.max(depthOf(token), 0)
    before = token
  }
  return written
}

function depthOf(token: string): number {
  return Number(/^[{[]$/.test(token)) - Number(/^[}\]]$/.test(token))
}

function escaped(token: string): string {
  return token === ':'
    ? ': '
    : token.replace(HTML, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
