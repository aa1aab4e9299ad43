/**
 * An error with a text of this repository: it says what to do, quotes no secret, and may be logged and shown.
 * {@link reasonOf} withholds the text of every other error.
 */
export class OwnError extends Error {
  override name = 'OwnError'
}

/** Cloudflare's words when a daily limit of its free plan is used up: of D1, and of Durable Objects. */
export const DAILY_LIMIT = /\bfree tier\b/i
export const DAILY_LIMIT_TEXT =
  'a daily limit of Cloudflare’s free plan is used up: it ends at 00:00 UTC, or within minutes with the ' +
  'Workers Paid plan'

const MAX_REASON = 300
/** The end of a reason that gives the place of an error without its text. */
export const WITHHELD = ': its text is withheld, because it may quote a secret'
const MAX_CHAIN = 8
const WORDS = "[A-Za-z0-9' ]{1,120}"

/** Phrases of libraries and of the platform: fixed words, and at most the name of a table or a reference. */
const PHRASES = [
  'Failed query',
  String.raw`no such (?:table|column): [\w.]{1,64}`,
  'database or disk is full',
  'database is locked',
  'disk I/O error',
  'string or blob too big',
  'too many SQL variables',
  'Wrong number of parameter bindings',
  String.raw`(?:UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed(?:: [\w.]{1,64})?`,
  `D1 DB ${WORDS}`,
  `(?:The )?Durable Object(?:'s)? ${WORDS}`,
  `Cannot resolve (?:D1 DB|Durable Object) ${WORDS}`,
  `Internal error (?:in|while starting up) (?:D1 DB|Durable Object) ${WORDS}`,
  `(?:Exceeded|Your account has exceeded|Worker exceeded|Too many) ${WORDS}`,
  String.raw`The RPC receiver does not implement the method "\w{1,64}"`,
  String.raw`Handler does not export a fetch\(\) function`,
  `Queue send failed: ${WORDS}`,
  'Network connection lost',
  // R2's, with the number of the error.
  String.raw`(?:head|get|put|list|delete|\w{1,16}Upload|uploadPart): [\w'., ]{1,160}\(1\d{4}\)`,
  String.raw`internal error(?:; reference = \w{1,64})?`,
  'The operation was aborted',
]
const KNOWN = new RegExp(`^(?:D1_[A-Z_]{1,40}(?:: |$))?(?:${PHRASES.join('|')})?`)
const SQLITE_CODE = /\bSQLITE_[A-Z_]{1,40}/
const CODE = /^[A-Z][A-Z0-9_]{1,60}$/
const FRAME = /^ +at (?:.*[\s(/])?([\w.-]{1,80}:\d+:\d+)\)?$/m

/**
 * The text of a caught error for a log, an answer or a stored reason. It quotes {@link OwnError} alone. A
 * library's error may hold a statement's parameters, a URL's password or JSON that is not valid: only its
 * known phrases pass, otherwise its name, code and place.
 */
export function reasonOf(error: unknown): string {
  if (isOwn(error)) {
    return error.message.slice(0, MAX_REASON)
  }
  const chain = chainOf(error)
  const phrases = chain.map(({ message }) => phraseOf(message)).filter((phrase) => phrase !== '')
  const distinct = phrases.filter(
    (phrase, at) => !phrases.slice(0, at).some((earlier) => earlier.includes(phrase)),
  )
  return distinct.length > 0 ? distinct.join(': ').slice(0, MAX_REASON) : withoutText(chain)
}

/** The same error for a caller: it keeps the reason of the original, and nothing else. */
export function safeError(error: unknown): OwnError {
  return new OwnError(reasonOf(error))
}

/**
 * An error that crosses a call between objects loses its class and keeps its name. src/guard.ts lets no other
 * error with this name out of an object.
 */
function isOwn(error: unknown): error is Error {
  return (
    error instanceof OwnError ||
    (error instanceof Error && error.name === 'OwnError' && 'remote' in error)
  )
}

/** The error, its causes, and the errors that it gathers. */
function chainOf(error: unknown): Error[] {
  const chain = error instanceof Error ? [error] : []
  for (const link of chain) {
    const gathered: unknown[] = link instanceof AggregateError ? link.errors : []
    for (const next of [link.cause, ...gathered]) {
      if (next instanceof Error && !chain.includes(next) && chain.length < MAX_CHAIN) {
        chain.push(next)
      }
    }
  }
  return chain
}

function phraseOf(message: string): string {
  const [phrase = ''] = KNOWN.exec(message) ?? []
  const [code = ''] = SQLITE_CODE.exec(message) ?? []
  return [phrase.replace(/: $/, ''), code].filter((part) => part !== '').join(': ')
}

/** Name, code and place: enough to find a bug, and nothing that depends on data. */
function withoutText(chain: readonly Error[]): string {
  const [first] = chain
  if (!first) {
    return 'something was thrown that is no error'
  }
  const name = /^[A-Za-z]{1,40}$/.test(first.name) ? first.name : 'Error'
  const codes = chain.flatMap((link) =>
    'code' in link && typeof link.code === 'string' && CODE.test(link.code) ? [link.code] : [],
  )
  const place = placeOf(first)
  return [
    name,
    ...(codes.length > 0 ? [` (${codes.join(', ')})`] : []),
    ...(place === undefined ? [] : [` at ${place}`]),
    WITHHELD,
  ].join('')
}

/** The first line of the stack after the text, which may have many lines. */
function placeOf({ stack = '', message }: Error): string | undefined {
  const at = stack.indexOf(message)
  return at === -1 ? undefined : FRAME.exec(stack.slice(at + message.length))?.[1]
}
