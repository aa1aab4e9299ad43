/** A longer predicate is refused: a device evaluates it at every change. */
const MAX_LENGTH = 8192

/** Apple: "Leveraging the declarative management data model to scale devices" has no other. */
const EXTENSIONS: ReadonlySet<string> = new Set(['status', 'property', 'key'])

/** A quoted text or an extension term; else one character that pairs, or a quote. */
const TOKEN = /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"|@(\w+)\(|[()[\]{}'"“”‘’]/g

const PAIRS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }

/**
 * Why a predicate cannot be parsed by any device; undefined if it may be. A device accepts such a predicate
 * with its activation, and may then apply no activation at all.
 */
export function lintPredicate(text: string): string | undefined {
  if (text.length > MAX_LENGTH) {
    return `is too long: a predicate may have ${MAX_LENGTH} characters`
  }
  if (text.trim() === '') {
    return 'is empty: leave the key out if the activation has no condition'
  }
  const open: string[] = []
  for (const [token, extension] of text.matchAll(TOKEN)) {
    const fault =
      extension === undefined ? tokenFault(token, open) : extensionFault(extension, open)
    if (fault !== undefined) {
      return fault
    }
  }
  return open.length === 0 ? undefined : `does not close its ${open.at(-1)}`
}

function extensionFault(name: string, open: string[]): string | undefined {
  open.push('(')
  return EXTENSIONS.has(name) ? undefined : `has @${name.slice(0, 100)}(: a device knows ${KNOWN}`
}

const KNOWN = [...EXTENSIONS].map((name) => `@${name}(…)`).join(', ')

function tokenFault(token: string, open: string[]): string | undefined {
  if (token.length > 1) {
    return undefined
  }
  if ('“”‘’'.includes(token)) {
    return `has the quotation mark ${token}: write ' or "`
  }
  if (`'"`.includes(token)) {
    return `does not close its quotation mark ${token}`
  }
  const opening = PAIRS[token]
  if (opening === undefined) {
    open.push(token)
    return undefined
  }
  return open.pop() === opening ? undefined : `has a ${token} that nothing opens`
}

/** The status items that a predicate names. */
export function statusItemsIn(predicate: string): readonly string[] {
  return [...predicate.matchAll(/@status\(\s*([^\s()]+)\s*\)/g)].map(([, name = '']) => name)
}
